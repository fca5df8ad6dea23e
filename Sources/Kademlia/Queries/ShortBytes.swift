/// Up to 32 bytes held in place: transaction IDs and write tokens, which every datagram carries and
/// which are not worth an allocation each.
package struct ShortBytes: Hashable, Sendable {
  /// The most bytes it can hold. Clients in the field use 2 to 8 for a transaction and 4 to 20 for
  /// a token.
  package static let capacity = 32

  /// The bytes, eight a word, the first of them on top; zeros behind the last.
  package private(set) var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var length: UInt8 = 0

  package init() {}

  /// Copies the bytes; nil if there are more than `capacity` of them.
  package init?(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      guard append(byte) else { return nil }
    }
  }

  /// The bytes of some words, eight a word, the first of them on top.
  ///
  /// - Parameter count: how many bytes, at most `capacity`. Those behind them are zeros.
  package init(_ words: (UInt64, UInt64, UInt64, UInt64), count: Int) {
    self.words = words
    length = UInt8(truncatingIfNeeded: min(count, Self.capacity))
  }

  /// The 4 bytes of a number, big end first: the transaction IDs that a node of ours makes.
  package init(_ number: UInt32) {
    words.0 = UInt64(number) << 32
    length = 4
  }

  /// The number that `init(_: UInt32)` was given; nil if this is not 4 bytes long.
  package var number: UInt32? {
    length == 4 ? UInt32(truncatingIfNeeded: words.0 >> 32) : nil
  }

  /// How many bytes it holds, 0 to `capacity`.
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

  /// Adds a byte at the end; false, and no change, when it is full.
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

/// What pairs an answer with its query (BEP 5, key `t`). Chosen by the asker, echoed untouched.
package typealias TransactionID = ShortBytes

/// What a node hands out with a `get` answer and wants back with a `put` (BEP 5, BEP 44, `token`).
package typealias WriteToken = ShortBytes
