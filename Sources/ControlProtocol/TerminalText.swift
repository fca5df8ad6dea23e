/// Makes text from the network safe to print on a terminal.
///
/// Anyone may choose a key, a value or an error message. Printed unchanged, they could move the cursor,
/// rename the window or hide what follows.
package enum TerminalText {
  /// Escapes everything that a terminal would obey, on one line.
  package static func escaped(_ text: String) -> String { escape(text, keepingLines: false) }

  /// Escapes bytes. In text that is not UTF-8, each byte outside ASCII becomes `\xNN`.
  package static func escaped(_ bytes: [UInt8]) -> String { escape(bytes, keepingLines: false) }

  /// Escapes bytes, but keeps line feeds and tabs.
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
      case _ where isControl(scalar):
        result.append(contentsOf: "\\u{\(hex(scalar.value, 4))}".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Returns whether a terminal may obey the scalar: C1 controls, which some terminals treat as escape
  /// sequences, line and paragraph separators, and marks that change the direction of writing and so make a
  /// text read as another.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
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
