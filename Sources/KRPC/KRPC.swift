package import Kademlia

/// The wire form of the messages: bencoded dictionaries, one a datagram (BEP 5, 32, 43 and 44).
///
/// Messages are written in canonical form. Messages that are read may have unknown keys, and keys in any
/// order. A query that breaks a rule of bencoding is refused with the reason. Of an answer, the entries that break
/// one are passed over, and so are those that are not as they have to be: the sender's ID alone is required.
package enum KRPC {
  /// 1,200: the most bytes that we put in one datagram, so that IP fragments are never made. A full item of
  /// BEP 44 alone goes over it, to 1,350.
  package static let maxDatagramSize = 1200
  /// The most bytes that the key and the value of a record may have together to go by datagram.
  package static let maxRecordPayload = Record.maxDatagramPayload
  /// The levels of lists and dictionaries in a message that are read by recursion, counting the outermost one.
  /// Deeper ones are read, too, but the keys of their dictionaries must be in order.
  package static let maxDepth = 16
  /// The most keys of a dictionary whose keys are not in ascending order. Ascending keys cannot
  /// repeat and are not counted; others are compared with one another.
  package static let maxUnsortedKeys = 32
  /// The most nodes that are kept of one answer, both families together.
  package static let maxNodes = 64
  /// The most IDs that are kept of `lost`.
  package static let maxLost = 32
  /// The most bytes of a transaction that an error echoes. A longer one could not be told from an attempt to
  /// have large datagrams sent, and gets no answer. A query is carried out if its transaction fits
  /// `TransactionID`.
  package static let maxTransaction = 512
  /// The most bytes of UTF-8 that are kept of the text of an error, and written of one.
  package static let maxErrorText = 256

  /// Appends the canonical bencoding of a message to a buffer.
  ///
  /// An answer that would be longer than `maxDatagramSize` loses its `nodes6`, then its `nodes`,
  /// and never its record: a record within `maxRecordPayload` fits then. Nothing else is left out
  /// for its size. In an answer with both a held record and a stored seq, `seq` is that of the
  /// record; `want` is written for `find_node` and `get` only, the queries that are answered with
  /// nodes.
  ///
  /// - Parameter buffer: one that keeps its capacity serves many messages without another allocation.
  package static func encode(_ message: Message, appendingTo buffer: inout [UInt8]) {
    // Enough for whatever goes in a datagram; only a record that is too long for one needs more.
    var room = 2 * maxDatagramSize
    var isWritten = false
    while !isWritten {
      buffer.append(addingCapacity: room) { output in
        // The writer does not outlive the closure, and it has initialized the bytes that it counts.
        unsafe output.withUnsafeMutableBufferPointer { memory, count in
          var writer = unsafe BencodeWriter(into: UnsafeMutableRawBufferPointer(memory))
          writer.write(message)
          isWritten = !writer.isOverfull
          if isWritten { count = writer.count }
        }
      }
      room *= 2
    }
  }

  /// Returns whether bytes are one bencoded value in canonical form, as `v` of an immutable or signed record
  /// must be (BEP 44).
  package static func isCanonical(_ value: [UInt8]) -> Bool {
    var reader = BencodeReader()
    // `bytes` is unsafe only for types with padding, and `UInt8` has none.
    let bytes = unsafe value.span.bytes
    guard let read = try? reader.value(in: bytes, depth: 3), reader.position == bytes.byteCount else {
      return false
    }
    return read.isCanonical && reader.flaw == nil
  }

  /// Reads one datagram, or one message of a stream.
  ///
  /// - Throws: `MalformedMessage`, with the answer to send where there is one. No input traps.
  package static func decode(_ datagram: RawSpan) throws(MalformedMessage) -> Message {
    var envelope = Envelope()
    do throws(MalformedMessage.Reason) {
      try envelope.read(datagram)
    } catch {
      throw MalformedMessage(reason: error)
    }
    return try envelope.message(in: datagram)
  }
}
