/// Up to 32 bytes stored in place. Every datagram carries a transaction ID and many carry a write token,
/// which are not worth an allocation each.
package struct ShortBytes: Hashable, Sendable {
  /// The most bytes. Clients in the field use 2 to 8 for a transaction and 4 to 20 for a token.
  package static let capacity = 32

  /// The bytes in big-endian order, eight in each word, padded with zeros.
  package private(set) var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var length: UInt8 = 0

  package init() {}

  /// Copies the bytes; nil if there are more than `capacity`.
  package init?(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      guard append(byte) else { return nil }
    }
  }

  /// Takes the bytes of some words in big-endian order, eight from each.
  ///
  /// - Parameter count: the number of bytes, at most `capacity`. All further bytes are zeros.
  package init(_ words: (UInt64, UInt64, UInt64, UInt64), count: Int) {
    self.words = words
    length = UInt8(truncatingIfNeeded: min(count, Self.capacity))
  }

  /// The 4 big-endian bytes of a number, as in the transaction IDs that this node makes.
  package init(_ number: UInt32) {
    words.0 = UInt64(number) << 32
    length = 4
  }

  /// The number that `init(_: UInt32)` was given; nil if this is not 4 bytes long.
  package var number: UInt32? {
    length == 4 ? UInt32(truncatingIfNeeded: words.0 >> 32) : nil
  }

  /// The number of bytes, from 0 to `capacity`.
  package var count: Int { Int(length) }

  /// The byte at an index; 0 outside of `0..<count`.
  package subscript(index: Int) -> UInt8 {
    guard index >= 0, index < count else { return 0 }
    let shift = UInt64(56 - index % 8 * 8)
    let word =
      switch index / 8 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return UInt8(truncatingIfNeeded: word >> shift)
  }

  /// Appends a byte. If there is no room, it changes nothing and returns false.
  package mutating func append(_ byte: UInt8) -> Bool {
    guard count < Self.capacity else { return false }
    let bits = UInt64(byte) << UInt64(56 - count % 8 * 8)
    switch count / 8 {
    case 0: words.0 |= bits
    case 1: words.1 |= bits
    case 2: words.2 |= bits
    default: words.3 |= bits
    }
    length += 1
    return true
  }

  package static func == (left: ShortBytes, right: ShortBytes) -> Bool {
    left.length == right.length && left.words == right.words
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
    hasher.combine(length)
  }
}

/// The ID that pairs an answer with its query (BEP 5, key `t`). The asker chooses it, and the responder
/// echoes it.
package typealias TransactionID = ShortBytes

/// The token that a node issues in a `get` answer and requires in a `put` (BEP 5, BEP 44, `token`).
package typealias WriteToken = ShortBytes
