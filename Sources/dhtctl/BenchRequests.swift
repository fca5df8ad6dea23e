import ControlProtocol

/// The requests of one operation as bytes. The parts that are the same in all of them are encoded once.
package struct BenchRequests: Sendable {
  private let head = Array(#"{"jsonrpc":"2.0","id":"#.utf8)
  private let middle: [UInt8]
  private let beforeValue: [UInt8]?
  private let tail: [UInt8]
  private let keys: Int
  /// The text that fills a value after the number of its key.
  private let filling: [UInt8]

  /// The requests of a plan for one of its operations.
  package init(_ operation: BenchOperation, _ plan: BenchPlan) {
    // The number of the key follows the prefix.
    let prefix = Self.escaped(plan.keyPrefix) + (operation == .miss ? "missing-" : "")
    let method: ControlMethod = operation == .put ? .put : .get
    middle = Array(#","method":"\#(method.rawValue)","params":{"key":"\#(prefix)"#.utf8)
    beforeValue = operation == .put ? Array(#"","ttl":\#(plan.ttl),"value":""#.utf8) : nil
    tail = Array("\"}}\n".utf8)
    keys = max(1, plan.keys)
    filling = Self.filling(plan.size)
  }

  /// Appends a request.
  /// - Parameters:
  ///   - number: the number of the operation, from 0.
  ///   - id: the ID of the request.
  package func append(_ number: Int, id: UInt64, to line: inout [UInt8]) {
    line += head
    Self.append(id, to: &line)
    line += middle
    let key = UInt64(number % keys)
    Self.append(key, to: &line)
    if let beforeValue {
      line += beforeValue
      appendValue(of: number, to: &line)
    }
    line += tail
  }

  /// Appends the value of an operation's key: its number and a filling, cut to the size, in letters and
  /// digits that JSON need not escape.
  package func appendValue(of number: Int, to text: inout [UInt8]) {
    let start = text.count
    Self.append(UInt64(number % keys), to: &text)
    let length = text.count - start
    if length > filling.count {
      text.removeLast(length - filling.count)
    } else {
      text += filling[length...]
    }
  }

  /// Letters and digits without a pattern that compresses.
  private static func filling(_ size: Int) -> [UInt8] {
    let letters = Array("-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".utf8)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<max(0, size)).map { _ in
      // The multiplier is Knuth's (MMIX). Its upper bits are the random ones.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return letters[Int(state >> 58) % letters.count]
    }
  }

  private static func append(_ number: UInt64, to line: inout [UInt8]) {
    if number >= 10 { append(number / 10, to: &line) }
    line.append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  /// A text as it is written between the quotation marks of JSON.
  private static func escaped(_ text: String) -> String {
    guard let bytes = try? ControlCodec.encodeJSON(text) else { return "" }
    return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
  }
}
