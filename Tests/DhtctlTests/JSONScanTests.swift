import Testing

@testable import dhtctl

@Suite("Finding the members of a line of JSON")
struct JSONScanTests {
  /// The members of an object; nil where it could not be followed to its end.
  private func members(_ text: String) -> [String: String]? {
    let bytes = Array(text.utf8)
    var found: [String: String] = [:]
    let isWhole = JSONScan.members(of: bytes.span, in: bytes.indices) { name, value in
      found[String(decoding: bytes[name], as: UTF8.self)] = String(decoding: bytes[value], as: UTF8.self)
    }
    return isWhole ? found : nil
  }

  @Test("members are found in any order and with blanks between them")
  func order() {
    #expect(members(#"{}"#) == [:])
    #expect(members(#" { } "#) == [:])
    #expect(members(#"{"a":1,"b":"two"}"#) == ["a": "1", "b": #""two""#])
    #expect(
      members("{ \"b\" :\t[1, {\"a\": 2}] ,\r\n\"a\": null }") == ["b": #"[1, {"a": 2}]"#, "a": "null"])
  }

  @Test("members inside a string or another object are ignored")
  func nested() {
    #expect(
      members(#"{"x":"\"id\":7,}","y":{"id":8,"z":"}"},"id":9}"#)
        == ["x": #""\"id\":7,}""#, "y": #"{"id":8,"z":"}"}"#, "id": "9"])
    #expect(members(#"{"x":"\\","id":1}"#) == ["x": #""\\""#, "id": "1"])
  }

  @Test(
    "an incomplete object, or another value, is rejected",
    arguments: [
      "", " ", "7", "[]", "{", #"{"#, #"{"a"#, #"{"a""#, #"{"a":"#, #"{"a":}"#, #"{"a":1"#, #"{"a":1,"#,
      #"{"a":1,}"#,
      #"{"a":,"b":1}"#, #"{"a":"x}"#, #"{"a":"\"#, #"{"a":[}"#, #"{"a" 1}"#, #"{a:1}"#, #"{"a":1 2}"#,
      #"{,}"#,
    ])
  func hostile(_ text: String) {
    #expect(members(text) == nil)
  }

  @Test("the scan of any line ends")
  func pieces() {
    let whole = #"{"id":70000,"jsonrpc":"2.0","result":{"value":"a\\\"b","steps":[{"hop":1},[]]}}"#
    for length in 0..<whole.utf8.count {
      #expect(members(String(decoding: whole.utf8.prefix(length), as: UTF8.self)) == nil)
    }
    #expect(members(whole) != nil)
    for index in 0..<whole.utf8.count {
      for byte in [UInt8](arrayLiteral: 0, 0x22, 0x5C, 0x7B, 0x7D, 0xFF) {
        var bytes = Array(whole.utf8)
        bytes[index] = byte
        JSONScan.members(of: bytes.span, in: bytes.indices) { name, value in
          #expect(name.upperBound <= bytes.count && value.upperBound <= bytes.count)
        }
      }
    }
  }

  @Test("a range beyond the text is cut to it")
  func beyond() {
    let bytes = Array(#"{"a":1}"#.utf8)
    let outcomes = (
      whole: JSONScan.members(of: bytes.span, in: 0..<1_000) { _, _ in },
      none: JSONScan.members(of: bytes.span, in: 900..<1_000) { _, _ in },
      equal: JSONScan.isEqual(bytes.span, 5..<9, [0x31, 0x7D, 0, 0]),
      number: JSONScan.wholeNumber(bytes.span, 5..<900)
    )
    #expect(outcomes.whole && !outcomes.none && !outcomes.equal && outcomes.number == nil)
  }

  @Test(
    "a whole number has nothing but digits, and fits",
    arguments: [
      ("0", 0), ("42", 42), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil), ("-1", nil),
      ("1.5", nil),
      ("1e3", nil), ("null", nil), ("\"1\"", nil), ("", nil),
    ] as [(String, UInt64?)])
  func numbers(_ text: String, _ number: UInt64?) {
    let bytes = Array(text.utf8)
    let found = JSONScan.wholeNumber(bytes.span, bytes.indices)
    #expect(found == number)
  }
}
