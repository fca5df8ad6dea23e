import Kademlia

/// Appends bencoding to a buffer. The caller sees to the order of the keys.
struct BencodeWriter {
  /// What was written.
  var bytes: [UInt8] = []

  /// Appends bytes that are bencoding already.
  mutating func raw(_ fragment: StaticString) {
    fragment.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  mutating func integer(_ number: some SignedInteger & FixedWidthInteger) {
    bytes.append(UInt8(ascii: "i"))
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    decimal(UInt64(number.magnitude))
    bytes.append(UInt8(ascii: "e"))
  }

  mutating func string(_ content: [UInt8]) {
    beginString(of: content.count)
    bytes.append(contentsOf: content)
  }

  mutating func string(_ content: ShortBytes) {
    beginString(of: content.count)
    for index in 0..<content.count { bytes.append(content[index]) }
  }

  mutating func string(_ text: String) {
    beginString(of: text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func string(_ id: NodeID) {
    beginString(of: NodeID.byteCount)
    let start = grow(by: NodeID.byteCount)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    raw.store(id, at: start)
  }

  /// The nodes of one family, in compact form.
  ///
  /// - Parameter count: how many of the peers are of the family.
  mutating func string(_ peers: [Peer], of family: AddressFamily, count: Int) {
    let size = CompactNodes.size(family)
    beginString(of: count * size)
    var offset = grow(by: count * size)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    for peer in peers {
      let address = offset + NodeID.byteCount
      switch (peer.endpoint.address, family) {
      case (.v4(let bits), .v4):
        raw.storeBytes(of: bits.bigEndian, toByteOffset: address, as: UInt32.self)
      case (.v6(let high, let low), .v6):
        raw.storeBytes(of: high.bigEndian, toByteOffset: address, as: UInt64.self)
        raw.storeBytes(of: low.bigEndian, toByteOffset: address + 8, as: UInt64.self)
      default: continue
      }
      raw.store(peer.id, at: offset)
      offset += size
      raw.storeBytes(of: peer.endpoint.port.bigEndian, toByteOffset: offset - 2, as: UInt16.self)
    }
  }

  private mutating func beginString(of length: Int) {
    decimal(UInt64(length))
    bytes.append(UInt8(ascii: ":"))
  }

  private mutating func decimal(_ number: UInt64) {
    // Most are lengths of one or two digits.
    if number < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
      return
    }
    // 2^64 has 20 digits.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = digits.count
    var rest = number
    repeat {
      first -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while rest > 0
    digits.span.bytes.extracting(first..<digits.count).withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  /// Appends zeros to be written over, and gives the offset of the first.
  private mutating func grow(by count: Int) -> Int {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    return start
  }
}

extension MutableRawSpan {
  /// Writes the 20 bytes of an ID. Traps if they are not all in the span.
  fileprivate mutating func store(_ id: NodeID, at offset: Int) {
    storeBytes(of: id.high.bigEndian, toByteOffset: offset, as: UInt64.self)
    storeBytes(of: id.middle.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
    storeBytes(of: id.low.bigEndian, toByteOffset: offset + 16, as: UInt32.self)
  }
}
