import Kademlia

/// Writes bencoding into existing memory. The caller is responsible for the order of the keys.
///
/// A writer never writes beyond its memory: data that does not fit is left out, and `isOverfull` is set.
///
/// `@safe`: the caller of `init` guarantees that the memory outlives the writer, and each store stays within
/// the bytes that `claim` has checked.
@safe struct BencodeWriter {
  private let memory: UnsafeMutableRawBufferPointer
  /// The number of bytes that were written.
  private(set) var count = 0
  /// True if something did not fit: the bytes written are then worthless.
  private(set) var isOverfull = false

  /// - Parameter memory: it outlives the writer.
  init(into memory: UnsafeMutableRawBufferPointer) {
    unsafe self.memory = memory
  }

  /// Starts over.
  mutating func removeAll() {
    count = 0
    isOverfull = false
  }

  /// Takes the next bytes of the memory; nil if there are not enough left.
  @inline(__always)
  private mutating func claim(_ size: Int) -> UnsafeMutableRawPointer? {
    guard unsafe size <= memory.count - count, let start = unsafe memory.baseAddress else {
      isOverfull = true
      return nil
    }
    defer { count += size }
    return unsafe start + count
  }

  /// Writes bytes that are bencoding already.
  @inline(__always)
  mutating func raw(_ fragment: StaticString) {
    fragment.withUTF8Buffer { unsafe copy(UnsafeRawBufferPointer($0)) }
  }

  /// The same for bytes that came from elsewhere.
  mutating func raw(_ fragment: [UInt8]) {
    unsafe fragment.withUnsafeBytes { unsafe copy($0) }
  }

  @inline(__always)
  mutating func integer(_ number: some SignedInteger & FixedWidthInteger) {
    raw("i")
    if number < 0 { raw("-") }
    decimal(UInt64(number.magnitude))
    raw("e")
  }

  mutating func string(_ content: [UInt8]) {
    beginString(of: content.count)
    unsafe content.withUnsafeBytes { unsafe copy($0) }
  }

  mutating func string(_ content: ShortBytes) {
    beginString(of: content.count)
    // Whole words, of which what is beyond the end is given back.
    guard let place = unsafe claim(ShortBytes.capacity) else { return }
    let words = content.words
    unsafe place.storeBytes(of: words.0.bigEndian, as: UInt64.self)
    unsafe place.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
    unsafe place.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
    unsafe place.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
    count -= ShortBytes.capacity - content.count
  }

  mutating func string(_ text: String) {
    beginString(of: text.utf8.count)
    unsafe text.utf8.span.withUnsafeBytes { unsafe copy($0) }
  }

  @inline(__always)
  mutating func string(_ id: NodeID) {
    raw("20:")
    if let place = unsafe claim(NodeID.byteCount) { unsafe Self.store(id, at: place) }
  }

  /// The bytes of IDs in a row.
  mutating func string(_ ids: [NodeID]) {
    beginString(of: ids.count * NodeID.byteCount)
    for id in ids {
      guard let place = unsafe claim(NodeID.byteCount) else { return }
      unsafe Self.store(id, at: place)
    }
  }

  /// The nodes of one family, in compact form.
  ///
  /// - Parameter count: how many of the peers are of the family.
  mutating func string(_ peers: [Peer], of family: AddressFamily, count: Int) {
    let size = CompactNodes.size(family)
    beginString(of: count * size)
    for peer in peers {
      switch (peer.endpoint.address, family) {
      case (.v4(let bits), .v4):
        guard let place = unsafe claim(size) else { return }
        unsafe Self.store(peer.id, at: place)
        unsafe place.storeBytes(of: bits.bigEndian, toByteOffset: NodeID.byteCount, as: UInt32.self)
        unsafe place.storeBytes(of: peer.endpoint.port.bigEndian, toByteOffset: size - 2, as: UInt16.self)
      case (.v6(let high, let low), .v6):
        guard let place = unsafe claim(size) else { return }
        unsafe Self.store(peer.id, at: place)
        unsafe place.storeBytes(of: high.bigEndian, toByteOffset: NodeID.byteCount, as: UInt64.self)
        unsafe place.storeBytes(of: low.bigEndian, toByteOffset: NodeID.byteCount + 8, as: UInt64.self)
        unsafe place.storeBytes(of: peer.endpoint.port.bigEndian, toByteOffset: size - 2, as: UInt16.self)
      default: continue
      }
    }
  }

  /// Writes an address and port in compact form.
  mutating func string(_ endpoint: Endpoint) {
    let size = CompactNodes.size(endpoint.address.family) - NodeID.byteCount
    beginString(of: size)
    guard let place = unsafe claim(size) else { return }
    switch endpoint.address {
    case .v4(let bits): unsafe place.storeBytes(of: bits.bigEndian, as: UInt32.self)
    case .v6(let high, let low):
      unsafe place.storeBytes(of: high.bigEndian, as: UInt64.self)
      unsafe place.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    unsafe place.storeBytes(of: endpoint.port.bigEndian, toByteOffset: size - 2, as: UInt16.self)
  }

  /// Writes the 20 bytes of an ID.
  ///
  /// - Parameter place: has room for them.
  @inline(__always)
  private static func store(_ id: NodeID, at place: UnsafeMutableRawPointer) {
    unsafe place.storeBytes(of: id.high.bigEndian, as: UInt64.self)
    unsafe place.storeBytes(of: id.middle.bigEndian, toByteOffset: 8, as: UInt64.self)
    unsafe place.storeBytes(of: id.low.bigEndian, toByteOffset: 16, as: UInt32.self)
  }

  @inline(__always)
  private mutating func copy(_ content: UnsafeRawBufferPointer) {
    guard let place = unsafe claim(content.count), let source = content.baseAddress else { return }
    // The source has as many bytes as were claimed, and never overlaps the writer's memory.
    unsafe place.copyMemory(from: source, byteCount: content.count)
  }

  private mutating func beginString(of length: Int) {
    decimal(UInt64(length))
    raw(":")
  }

  private mutating func decimal(_ number: UInt64) {
    var width = 1
    var bound: UInt64 = 10
    // 2^64 has 20 digits, and 10^19 is the greatest power of ten in 64 bits.
    while width < 20, number >= bound {
      width += 1
      bound &*= 10
    }
    guard let place = unsafe claim(width) else { return }
    var offset = width
    var rest = number
    repeat {
      offset -= 1
      let digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      unsafe place.storeBytes(of: digit, toByteOffset: offset, as: UInt8.self)
      rest /= 10
    } while offset > 0
  }
}
