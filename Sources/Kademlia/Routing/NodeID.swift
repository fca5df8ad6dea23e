import Crypto

/// A point in the 160-bit key space: the ID of a node, or a target that is looked up.
///
/// Three words, big end first, so that a comparison of IDs is a comparison of numbers and no ID
/// ever lives on the heap.
package struct NodeID: Hashable, Sendable {
  /// The most significant 64 bits.
  package let high: UInt64
  /// The 64 bits in the middle.
  package let middle: UInt64
  /// The least significant 32 bits.
  package let low: UInt32

  /// The number of bits of an ID, and of buckets of a routing table.
  package static let bitWidth = 160
  /// The number of bytes of an ID.
  package static let byteCount = 20

  package init(high: UInt64, middle: UInt64, low: UInt32) {
    self.high = high
    self.middle = middle
    self.low = low
  }

  /// The ID next to this one: a node that is close to the one is close to the other.
  var neighbour: NodeID { NodeID(high: high, middle: middle, low: low ^ 1) }

  /// The SHA-1 of some bytes: the target of a plain record's key, or the ID of a public key.
  package init(sha1Of bytes: [UInt8]) {
    var hash = Insecure.SHA1()
    // The closures keep no pointer, and the digest has 20 bytes, as many as are read.
    unsafe bytes.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    self = unsafe hash.finalize().withUnsafeBytes { digest in
      unsafe NodeID(
        high: UInt64(bigEndian: digest.loadUnaligned(as: UInt64.self)),
        middle: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt32(bigEndian: digest.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }
  }

  /// A uniformly random ID.
  package init(random source: inout some RandomNumberGenerator) {
    self.init(high: source.next(), middle: source.next(), low: source.next())
  }

  /// An ID from its 20 bytes; nil for any other number of them.
  package init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    func word(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { ($0 << 8) | UInt64($1) } }
    self.init(high: word(0..<8), middle: word(8..<16), low: UInt32(truncatingIfNeeded: word(16..<20)))
  }

  /// Reads the 40 hexadecimal digits of an ID, in either case; nil for anything else.
  package init?(hex: some StringProtocol) {
    var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
    var digits = 0
    for character in hex.utf8 {
      guard digits < 40, let digit = Self.digit(character) else { return nil }
      switch digits {
      case 0..<16: words.0 = (words.0 << 4) | UInt64(digit)
      case 16..<32: words.1 = (words.1 << 4) | UInt64(digit)
      default: words.2 = (words.2 << 4) | UInt32(digit)
      }
      digits += 1
    }
    guard digits == 40 else { return nil }
    self.init(high: words.0, middle: words.1, low: words.2)
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// The ID after this one as a number; nil after the last.
  package var next: NodeID? {
    let (low, carry) = low.addingReportingOverflow(1)
    guard carry else { return NodeID(high: high, middle: middle, low: low) }
    let (middle, further) = middle.addingReportingOverflow(1)
    guard further else { return NodeID(high: high, middle: middle, low: low) }
    let (high, overflow) = high.addingReportingOverflow(1)
    return overflow ? nil : NodeID(high: high, middle: middle, low: low)
  }

  /// The XOR distance to another ID (Maymounkov and Mazières 2002, section 2.1).
  package func distance(to other: NodeID) -> Distance {
    Distance(high: high ^ other.high, middle: middle ^ other.middle, low: low ^ other.low)
  }

  /// The ID at a given distance from this one: XOR undoes itself.
  package func at(_ distance: Distance) -> NodeID {
    NodeID(high: high ^ distance.high, middle: middle ^ distance.middle, low: low ^ distance.low)
  }
}

extension NodeID: Comparable {
  package static func < (left: NodeID, right: NodeID) -> Bool {
    if left.high != right.high { return left.high < right.high }
    if left.middle != right.middle { return left.middle < right.middle }
    return left.low < right.low
  }
}

extension NodeID: CustomStringConvertible {
  /// The 40 lower-case hexadecimal digits.
  package var description: String {
    let words = [
      UInt32(truncatingIfNeeded: high >> 32), UInt32(truncatingIfNeeded: high),
      UInt32(truncatingIfNeeded: middle >> 32), UInt32(truncatingIfNeeded: middle), low,
    ]
    // Eight bytes of ASCII for each word fill the whole capacity.
    return unsafe String(unsafeUninitializedCapacity: 8 * words.count) { text in
      let text = UnsafeMutableRawBufferPointer(text)
      for (index, word) in words.enumerated() {
        unsafe text.storeBytes(of: Self.digits(of: word).bigEndian, toByteOffset: 8 * index, as: UInt64.self)
      }
      return 8 * words.count
    }
  }

  /// The eight hexadecimal digits of a number as characters, the first of them on top.
  private static func digits(of word: UInt32) -> UInt64 {
    // Halves, then quarters, then single digits move apart until each has a byte of its own.
    var digits = UInt64(word)
    digits = (digits | (digits << 16)) & 0x0000_FFFF_0000_FFFF
    digits = (digits | (digits << 8)) & 0x00FF_00FF_00FF_00FF
    digits = (digits | (digits << 4)) & 0x0F0F_0F0F_0F0F_0F0F
    let ones: UInt64 = 0x0101_0101_0101_0101
    // 1 in the bytes of 10 and more, whose characters come 39 later than the one behind 9 would.
    let letters = ((digits &+ 6 &* ones) >> 4) & ones
    return digits &+ UInt64(UInt8(ascii: "0")) &* ones &+ 39 &* letters
  }
}

/// The XOR of two IDs, read as a number: symmetric, zero only for an ID and itself, and
/// unidirectional (for a target and a distance there is exactly one ID).
package struct Distance: Hashable, Comparable, Sendable {
  /// The most significant 64 bits.
  package let high: UInt64
  /// The 64 bits in the middle.
  package let middle: UInt64
  /// The least significant 32 bits.
  package let low: UInt32

  /// The distance of an ID to itself.
  package static let zero = Distance(high: 0, middle: 0, low: 0)
  /// No two IDs are further apart.
  package static let greatest = Distance(high: .max, middle: .max, low: .max)

  package init(high: UInt64, middle: UInt64, low: UInt32) {
    self.high = high
    self.middle = middle
    self.low = low
  }

  /// Twice as far, or the greatest distance if there is nothing so far away.
  package var doubled: Distance {
    guard high >> 63 == 0 else { return .greatest }
    return Distance(
      high: (high << 1) | (middle >> 63), middle: (middle << 1) | UInt64(low >> 31), low: low << 1)
  }

  package static func < (left: Distance, right: Distance) -> Bool {
    if left.high != right.high { return left.high < right.high }
    if left.middle != right.middle { return left.middle < right.middle }
    return left.low < right.low
  }

  /// The number of leading bits that the two IDs share, 0 to 160.
  package var leadingZeroBitCount: Int {
    if high != 0 { return high.leadingZeroBitCount }
    if middle != 0 { return 64 + middle.leadingZeroBitCount }
    return 128 + low.leadingZeroBitCount
  }

  /// The bucket that a contact at this distance belongs to: bucket i holds the distances
  /// [2^(159-i), 2^(160-i)). Nil for the distance of a node to itself.
  package var bucketIndex: Int? {
    let shared = leadingZeroBitCount
    return shared < NodeID.bitWidth ? shared : nil
  }

  /// A uniformly random distance that falls in a bucket.
  ///
  /// - Parameter index: 0 to 159; values outside are clamped.
  package static func random(
    inBucket index: Int, using source: inout some RandomNumberGenerator
  ) -> Distance {
    let index = min(max(index, 0), NodeID.bitWidth - 1)
    let noise = NodeID(random: &source)
    // Below the bit that makes the bucket everything is free; above it everything is zero.
    func word(_ bits: UInt64, startingAt first: Int) -> UInt64 {
      let position = index - first
      if position < 0 { return bits }
      if position > 63 { return 0 }
      let top: UInt64 = 1 << UInt64(63 - position)
      return bits & (top - 1) | top
    }
    return Distance(
      high: word(noise.high, startingAt: 0),
      middle: word(noise.middle, startingAt: 64),
      low: UInt32(truncatingIfNeeded: word(UInt64(noise.low) << 32, startingAt: 128) >> 32))
  }
}
