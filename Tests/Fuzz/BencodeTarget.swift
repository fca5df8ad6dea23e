import Kademlia

@testable import KRPC

/// Reads bencoding and compares with a reader that is written to be plain: what is canonical, where the first
/// value ends, and what is in it.
func fuzzBencode(_ input: UnsafeRawBufferPointer) {
  let bytes = [UInt8](input)
  let plain = PlainBencode.parse(bytes)
  let isCanonical = plain.map { $0.end == bytes.count && $0.value.encoding == bytes } ?? false
  require(KRPC.isCanonical(bytes) == isCanonical, "what is canonical is \(isCanonical) to a plain reader")

  var reader = BencodeReader()
  let span = input.bytes
  guard let value = try? reader.value(in: span, depth: 3) else {
    return require(plain == nil, "only a plain reader reads it")
  }
  guard let plain else { fatalError("a plain reader does not read it") }
  require(reader.position == plain.end, "a plain reader ends at \(plain.end), not at \(reader.position)")
  require(0 <= value.start && value.start <= value.end && value.end <= plain.end, "it lies outside")
  switch plain.value {
  case .integer(let digits):
    require(value.form == .integer && value.integer(in: span) == Int64(digits), "another number")
    require(value.isOne(in: span) == (digits == "1"), "another truth")
  case .string(let content):
    require(value.string(in: span) == content, "another string")
    let short = (1...ShortBytes.capacity).contains(content.count) ? ShortBytes(content) : nil
    require(value.shortBytes(in: span) == short, "other short bytes")
    require(value.nodeID(in: span) == NodeID(bytes: content), "another ID")
  case .list: require(value.form == .list, "no list")
  case .dictionary: require(value.form == .dictionary, "no dictionary")
  }
  // A canonical prefix is kept byte for byte.
  if value.isCanonical, reader.flaw == nil {
    require(value.encoding(in: span) == plain.value.encoding, "it is encoded in another way")
    require(plain.value.encoding == Array(bytes[..<plain.end]), "it was not canonical")
  }
}

/// Bencoding as it is explained to people (BEP 3), slow and short.
indirect enum PlainBencode {
  case integer(String)
  case string([UInt8])
  case list([PlainBencode])
  case dictionary([(key: [UInt8], value: PlainBencode)])

  /// The value that some bytes begin with, and where it ends; nil if they begin with none.
  static func parse(_ bytes: [UInt8]) -> (value: PlainBencode, end: Int)? {
    var offset = 0
    return parse(bytes, &offset).map { ($0, offset) }
  }

  private static func parse(_ bytes: [UInt8], _ offset: inout Int) -> PlainBencode? {
    guard offset < bytes.count else { return nil }
    switch bytes[offset] {
    case UInt8(ascii: "i"):
      guard let end = bytes[offset...].firstIndex(of: UInt8(ascii: "e")) else { return nil }
      let text = bytes[(offset + 1)..<end]
      let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
      guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      offset = end + 1
      return .integer(String(decoding: text, as: UTF8.self))
    case UInt8(ascii: "l"):
      offset += 1
      var items: [PlainBencode] = []
      while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
        guard let item = parse(bytes, &offset) else { return nil }
        items.append(item)
      }
      offset += 1
      return offset <= bytes.count ? .list(items) : nil
    case UInt8(ascii: "d"):
      offset += 1
      var entries: [(key: [UInt8], value: PlainBencode)] = []
      while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
        guard let key = string(bytes, &offset), let value = parse(bytes, &offset) else {
          return nil
        }
        entries.append((key, value))
      }
      offset += 1
      return offset <= bytes.count ? .dictionary(entries) : nil
    default: return string(bytes, &offset).map { .string($0) }
    }
  }

  private static func string(_ bytes: [UInt8], _ offset: inout Int) -> [UInt8]? {
    guard let colon = bytes[offset...].firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let digits = bytes[offset..<colon]
    // Of a length with any number of zeros in front only the rest counts.
    let number = Int(String(decoding: digits.drop { $0 == 0x30 }, as: UTF8.self))
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let length = digits.allSatisfy({ $0 == 0x30 }) ? 0 : number, length <= bytes.count - colon - 1
    else { return nil }
    offset = colon + 1 + length
    return Array(bytes[(colon + 1)..<offset])
  }

  /// The canonical encoding; that of a dictionary with the same key twice has it once.
  var encoding: [UInt8] {
    switch self {
    case .integer(let text):
      let digits = text.drop { $0 == "-" }.drop { $0 == "0" }
      let sign = text.hasPrefix("-") && !digits.isEmpty ? "-" : ""
      return Array("i\(sign)\(digits.isEmpty ? "0" : digits)e".utf8)
    case .string(let content): return Array("\(content.count):".utf8) + content
    case .list(let items): return [UInt8(ascii: "l")] + items.flatMap(\.encoding) + [UInt8(ascii: "e")]
    case .dictionary(let entries):
      let sorted = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      var bytes = [UInt8(ascii: "d")]
      for (index, entry) in sorted.enumerated() where index == 0 || sorted[index - 1].key != entry.key {
        bytes += Self.string(entry.key).encoding + entry.value.encoding
      }
      return bytes + [UInt8(ascii: "e")]
    }
  }
}
