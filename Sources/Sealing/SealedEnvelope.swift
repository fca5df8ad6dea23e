/// The layout of a sealed message in its datagram:
///
///     version  1 byte, 1
///     salt    16 bytes, random for each session of a sender
///     counter  8 bytes, big-endian: the sender's clock in microseconds since the epoch, strictly increasing
///     ciphertext, as long as the message
///     tag     16 bytes
///
/// The key of a session is HKDF-SHA256 of the network key with the salt and the network's name. The nonce is
/// the last 4 bytes of the salt and the counter, which never repeats under one key. Version, salt and
/// counter are authenticated.
///
/// A message on a stream is sealed in the same way, after its length. The format relies on UDP only in that
/// it allows lost and reordered messages.
package enum SealedEnvelope {
  /// The version, 1. No KRPC message begins with this byte.
  package static let version: UInt8 = 1
  /// The bytes that sealing adds to a message: 41.
  package static let overhead = headerBytes + tagBytes

  static let headerBytes = 1 + SessionSalt.byteCount + 8
  static let tagBytes = 16
  static let nonceBytes = 12
}

/// The identity of a sender's session: 128 random bits.
struct SessionSalt: Hashable, Sendable {
  static let byteCount = 16

  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(random: inout some RandomNumberGenerator) {
    self.init(high: random.next(), low: random.next())
  }

  /// The bytes in wire order.
  var bytes: [UInt8] {
    [high, low].flatMap { half in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
    }
  }
}

/// The header of a sealed datagram as received. It is not authenticated yet.
struct SealedHeader {
  let salt: SessionSalt
  let counter: UInt64

  /// Nil for a datagram that is not sealed.
  init?(_ datagram: RawSpan) {
    guard datagram.byteCount >= SealedEnvelope.overhead,
      datagram.number(at: 0, UInt8.self) == SealedEnvelope.version
    else { return nil }
    salt = SessionSalt(high: datagram.number(at: 1, UInt64.self), low: datagram.number(at: 9, UInt64.self))
    counter = datagram.number(at: 17, UInt64.self)
  }
}

extension RawSpan {
  /// A big-endian number at an offset that must be in bounds.
  fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Number.Type)
    -> Number
  {
    // The load traps outside of the span, and any bytes are a valid integer.
    unsafe Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}
