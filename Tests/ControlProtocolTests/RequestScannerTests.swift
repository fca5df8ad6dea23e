import FoundationEssentials
import SeededRandom
import Testing

@testable import ControlProtocol

@Suite("Requests read directly from their bytes")
struct RequestScannerTests {
  private func scanned(_ line: some Sequence<UInt8>) -> DecodedRequest? {
    RequestScanner.request(in: [UInt8](line).span)
  }

  private func decoded(_ line: some Sequence<UInt8>) -> DecodedRequest {
    ControlCodec.decodeGenerally([UInt8](line).span)
  }

  @Test("the scanner reads a request in any order, with any space and with escapes as the decoder does")
  func agreement() {
    var source = SplitMix64(seed: 1)
    for _ in 0..<5_000 {
      let line = RequestLine.random(using: &source)
      let text = String(decoding: line, as: UTF8.self)
      let request = scanned(line)
      #expect(request != nil, "\(text)")
      #expect(request == decoded(line), "\(text)")
    }
  }

  @Test("the scanner rejects a slightly wrong line, or reads it as the decoder does")
  func mutations() {
    var source = SplitMix64(seed: 2)
    var understood = 0
    var different = 0
    for _ in 0..<20_000 {
      let original = RequestLine.random(using: &source)
      var line = original
      RequestLine.mutate(&line, with: RequestLine.random(using: &source), using: &source)
      guard let request = scanned(line) else { continue }
      understood += 1
      if request != decoded(original) { different += 1 }
      #expect(request == decoded(line), "\(String(decoding: line, as: UTF8.self))")
    }
    // Otherwise the mutations test nothing.
    #expect(understood > 1_500)
    #expect(different > 1_000)
  }

  @Test("every prefix of a request is left to the decoder")
  func truncations() {
    var source = SplitMix64(seed: 3)
    for _ in 0..<100 {
      let line = RequestLine.random(using: &source)
      guard let end = line.lastIndex(of: UInt8(ascii: "}")) else { continue }
      for length in 0..<end { #expect(scanned(line[..<length]) == nil) }
    }
  }

  @Test("every byte, and every pair of bytes that begins as UTF-8 does, is taken as the decoder takes it")
  func bytes() {
    let (head, tail) = (
      Array(#"{"jsonrpc":"2.0","method":"get","params":{"key":"a"#.utf8), Array("\"}}".utf8)
    )
    func compare(_ bytes: [UInt8]) {
      let line = head + bytes + tail
      if let request = scanned(line) { #expect(request == decoded(line), "\(bytes)") }
    }
    for byte in UInt8.min ... .max { compare([byte]) }
    for first: UInt8 in [0x5C, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xF0, 0xF4, 0xF8] {
      for second in UInt8.min ... .max {
        compare([first, second])
        compare([first, second, 0x80, 0x80])
        compare([first, second, 0xBF])
      }
    }
  }

  @Test(
    "unusual requests are left to the decoder",
    arguments: [
      "", "{}", "[]", "null", #"{"jsonrpc":"2.0","id":1,"method":"status"}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get"}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":""}}"#,
      #"{"jsonrpc":"2.0","id":null,"method":"get","params":{"key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1.0,"method":"get","params":{"key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":-"a","method":"get","params":{"key":"k"}}"#,
      "{\"jsonrpc\":\"2.0\",\"id\":\"\t5,\"method\":\"get\",\"params\":{\"key\":\"k\"}}",
      #"{"jsonrpc":"2.0","id":01,"method":"get","params":{"key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1,"id":1,"method":"get","params":{"key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k","key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k","key_base64":"aw=="}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key_base64":"a"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k","value":"v"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k","max_age":-1}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k","trace":null}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k"},"more":1}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k"}} x"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"k",}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"\ud800"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"\ud800\u0041"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"\x41"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"k\u0065y":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"delete","params":{"key":"k","if_seq":1}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"k"}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"k","value":"v","ttl":0}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"k","value":"v","ttl":2592001}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"k","value":"v","if_seq":-1}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"k","value":"v","trace":true}}"#,
    ])
  func unusual(_ line: String) {
    #expect(scanned(line.utf8) == nil)
    #expect(ControlCodec.decodeRequest(Array(line.utf8)) == decoded(line.utf8))
  }
}

/// Lines of requests that the scanner has to know, from a seed.
enum RequestLine {
  static func random(using source: inout SplitMix64) -> [UInt8] {
    let method = ["put", "get", "delete"][source.below(3)]
    var params = [bytes("key", atLeast: 1, using: &source)]
    switch method {
    case "put":
      params.append(bytes("value", atLeast: 0, using: &source))
      if source.below(3) == 0 { params.append(member("ttl", "\(1 + source.below(2_592_000))")) }
      if source.below(3) == 0 { params.append(member("if_seq", "\(natural(using: &source))")) }
    case "get":
      if source.below(3) == 0 { params.append(member("max_age", "\(natural(using: &source))")) }
      if source.below(3) == 0 { params.append(member("trace", source.below(2) == 0 ? "true" : "false")) }
    default: break
    }
    var members = [
      member("jsonrpc", #""2.0""#), member("method", "\"\(method)\""),
      member("params", object(&params, using: &source)),
    ]
    switch source.below(4) {
    case 0: break
    case 1:
      members.append([Array(#""id""#.utf8), string(RandomText.scalars(8, using: &source), using: &source)])
    default: members.append(member("id", "\(natural(using: &source) - Int64(source.below(1_000)))"))
    }
    let ends = ["", "\n", "\r\n", " \t\n"]
    return object(&members, using: &source) + Array(ends[source.below(ends.count)].utf8)
  }

  /// Changes a line a little: other bytes, other tokens, pieces cut out, doubled, or of another line.
  static func mutate(_ line: inout [UInt8], with other: [UInt8], using source: inout SplitMix64) {
    let tokens = [
      "\"", "\\", "{", "}", "[", ",", ":", " ", "\t", "0", "-", ".", "e", "é", "\\u0041", "\\ud83d", "\\n",
      "null", "true", "key", "value", "\"id\":1,", "\"key\":\"k\",", "get", "put", "_base64",
    ]
    for _ in 0...source.below(2) {
      guard !line.isEmpty else { return }
      let place = source.below(line.count)
      switch source.below(8) {
      case 0: line[place] ^= 1 << UInt8(source.below(8))
      case 1, 2: line[place] = UInt8(0x20 + source.below(0x5F))
      case 3: line[place] = UInt8(truncatingIfNeeded: source.next())
      case 4, 5: line.insert(contentsOf: tokens[source.below(tokens.count)].utf8, at: place)
      case 6: line.removeSubrange(place..<min(line.count, place + 1 + source.below(4)))
      default: line.replaceSubrange(place..., with: other[source.below(other.count)...])
      }
    }
  }

  /// A name and its value, both as they are written.
  private static func member(_ name: String, _ value: [UInt8]) -> [[UInt8]] {
    [Array("\"\(name)\"".utf8), value]
  }

  private static func member(_ name: String, _ value: String) -> [[UInt8]] { member(name, Array(value.utf8)) }

  private static func bytes(
    _ name: String, atLeast least: Int, using source: inout SplitMix64
  ) -> [[UInt8]] {
    if source.below(4) == 0 {
      let data = Data(source.bytes(least + source.below(20)))
      return member(name + "_base64", "\"\(data.base64EncodedString())\"")
    }
    let scalars = RandomText.scalars(source.below(40), using: &source)
    return member(name, string(scalars.isEmpty && least > 0 ? ["k"] : scalars, using: &source))
  }

  private static func object(_ members: inout [[[UInt8]]], using source: inout SplitMix64) -> [UInt8] {
    members.shuffle(using: &source)
    let isSpaced = source.below(2) == 0
    func space() -> [UInt8] {
      guard isSpaced, source.below(3) == 0 else { return [] }
      return (0...source.below(3)).map { _ in Array(" \t\r\n".utf8)[source.below(4)] }
    }
    var text = Array("{".utf8)
    for (index, member) in members.enumerated() {
      if index > 0 { text += Array(",".utf8) }
      text += space() + member[0] + space() + Array(":".utf8) + space() + member[1] + space()
    }
    return text + Array("}".utf8)
  }

  /// A string with the escapes that it needs and some that it does not.
  private static func string(_ scalars: [Unicode.Scalar], using source: inout SplitMix64) -> [UInt8] {
    var text = "\""
    let isEscaped = source.below(2) == 0
    for scalar in scalars {
      let short = [
        "\"": #"\""#, "\\": #"\\"#, "/": #"\/"#, "\u{8}": #"\b"#, "\u{C}": #"\f"#, "\n": #"\n"#,
        "\r": #"\r"#, "\t": #"\t"#,
      ][scalar]
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      if mustEscape || isEscaped && source.below(4) == 0 {
        if let short, source.below(2) == 0 {
          text += short
        } else {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16, uppercase: source.below(2) == 0)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
          }
        }
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return Array((text + "\"").utf8)
  }

  /// A number that the scanner takes: 18 digits or fewer, as likely short as long.
  private static func natural(using source: inout SplitMix64) -> Int64 {
    source.natural() % 999_999_999_999_999_999
  }
}

/// Text with all that JSON treats in a way of its own.
enum RandomText {
  static func scalars(_ count: Int, using source: inout SplitMix64) -> [Unicode.Scalar] {
    let special: [Unicode.Scalar] = [
      "\"", "\\", "/", "\u{7F}", "\u{80}", "é", "\u{301}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFF}",
      "😀", "\u{10000}", "\u{10FFFF}", "漢", "\u{0}", "<", "&",
    ]
    // Long runs of ASCII as well, which are passed over eight bytes at a time.
    let isMostlyPlain = source.below(2) == 0
    return (0..<count).map { _ in
      switch source.below(isMostlyPlain ? 40 : 4) {
      case 0: special[source.below(special.count)]
      case 1: Unicode.Scalar(UInt8(source.below(0x20)))
      default: Unicode.Scalar(UInt8(0x20 + source.below(0x5F)))
      }
    }
  }

  static func string(_ count: Int, using source: inout SplitMix64) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars(count, using: &source))
    return String(text)
  }
}
