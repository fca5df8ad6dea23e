import Kademlia

/// The outermost dictionary of a message, read in one pass.
struct Envelope {
  typealias Reason = MalformedMessage.Reason

  /// `t`.
  private var transaction: BencodeValue?
  /// `y`: query, response or error.
  private var type: BencodeValue?
  /// `q`.
  private var method: BencodeValue?
  /// `a`.
  private var arguments = Fields()
  /// `r`.
  private var results = Fields()
  /// `e`.
  private var error: BencodeValue?
  /// `ip` (BEP 42).
  private var seen: BencodeValue?
  /// `ro` (BEP 43).
  private var readOnly: BencodeValue?
  /// The rule of bencoding that the message breaks although it can be read to its end.
  private var flaw: Reason?

  /// Reads a whole datagram.
  ///
  /// - Throws: what makes it unreadable, and whatever keeps the outermost keys from being trusted.
  mutating func read(_ bytes: RawSpan) throws(Reason) {
    guard bytes.byteCount <= BencodeValue.maxOffset else { throw .tooLong }
    var reader = BencodeReader()
    guard reader.beginDictionary(in: bytes) else { throw .notADictionary }
    var keys = KeyOrder()
    while let key = try reader.nextKey(in: bytes, after: &keys) {
      try readEntry(key, in: bytes, with: &reader)
    }
    guard reader.position == bytes.byteCount else { throw .trailingBytes }
    // Of two transactions or two types none can be answered.
    if let flaw = keys.flaw { throw flaw }
    flaw = reader.flaw
  }

  private mutating func readEntry(
    _ key: DictionaryKey, in bytes: RawSpan, with reader: inout BencodeReader
  ) throws(Reason) {
    // 1 is the outermost dictionary.
    let depth = 2
    switch key.word {
    case keyWord("a"): return try arguments.read(bytes, with: &reader, depth: depth)
    case keyWord("r"): return try results.read(bytes, with: &reader, depth: depth)
    default: break
    }
    let value = try reader.value(in: bytes, depth: depth)
    switch key.word {
    case keyWord("e"): error = value
    case keyWord("ip"): seen = value
    case keyWord("q"): method = value
    case keyWord("ro"): readOnly = value
    case keyWord("t"): transaction = value
    case keyWord("y"): type = value
    default: break
    }
  }

  /// The message in it.
  func message(in bytes: RawSpan) throws(MalformedMessage) -> Message {
    guard let transaction = transaction?.shortBytes(in: bytes) else {
      throw MalformedMessage(reason: .noTransaction)
    }
    guard let type, type.stringLength == 1 else { throw MalformedMessage(reason: .noType) }
    switch bytes.byte(at: type.start) {
    case UInt8(ascii: "q"):
      do throws(Reason) {
        return Message(transaction: transaction, body: .query(try query(in: bytes)))
      } catch {
        throw MalformedMessage(reason: error, refusing: transaction)
      }
    case UInt8(ascii: "r"), UInt8(ascii: "e"):
      do throws(Reason) {
        return Message(transaction: transaction, body: try answer(type, in: bytes))
      } catch {
        throw MalformedMessage(reason: error)
      }
    default:
      throw MalformedMessage(reason: .noType)
    }
  }

  private func query(in bytes: RawSpan) throws(Reason) -> Query {
    if let flaw { throw flaw }
    guard let method, method.form == .string else { throw .noMethod }
    return try Query(method, arguments, isReadOnly: readOnly?.isOne(in: bytes) ?? false, in: bytes)
  }

  private func answer(_ type: BencodeValue, in bytes: RawSpan) throws(Reason) -> Message.Body {
    if let flaw { throw flaw }
    if type.isString("e", in: bytes) { return .error(try RPCError(error, in: bytes)) }
    return .response(try Response(results, seen: seen, in: bytes))
  }
}
