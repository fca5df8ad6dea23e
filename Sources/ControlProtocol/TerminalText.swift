/// Makes text that came from the network, or went there, safe to be shown.
///
/// Anybody may choose a key, a value or the words of a refusal. Shown as they are, they could move
/// the cursor, rename the window or hide what follows.
package enum TerminalText {
  /// The text with everything that a terminal would obey written out, on one line.
  package static func escaped(_ text: String) -> String { escape(text, keepingLines: false) }

  /// The same for bytes; where they are not UTF-8, each byte outside ASCII becomes `\xNN`.
  package static func escaped(_ bytes: [UInt8]) -> String { escape(bytes, keepingLines: false) }

  /// The same, but line feeds and tabs stay.
  package static func escapedLines(_ bytes: [UInt8]) -> String { escape(bytes, keepingLines: true) }

  private static func escape(_ bytes: [UInt8], keepingLines: Bool) -> String {
    if let text = String(validating: bytes, as: UTF8.self) {
      return escape(text, keepingLines: keepingLines)
    }
    return bytes.map { byte in
      byte < 0x80
        ? escape(String(Unicode.Scalar(byte)), keepingLines: keepingLines) : "\\x" + hex(UInt32(byte), 2)
    }.joined()
  }

  private static func escape(_ text: String, keepingLines: Bool) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n", "\t":
        if keepingLines {
          result.append(scalar)
        } else {
          result.append(contentsOf: (scalar == "\n" ? "\\n" : "\\t").unicodeScalars)
        }
      case "\r": result.append(contentsOf: "\\r".unicodeScalars)
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        result.append(contentsOf: ("\\x" + hex(scalar.value, 2)).unicodeScalars)
      case _ where isObeyed(scalar):
        result.append(contentsOf: "\\u{\(hex(scalar.value, 4))}".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// C1 controls, which some terminals take for escape sequences; line and paragraph separators; and
  /// the marks that turn the direction of writing, which make a text read as another one.
  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x80...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func hex(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
