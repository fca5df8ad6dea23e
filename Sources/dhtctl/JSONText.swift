import ControlProtocol

/// JSON for output.
package enum JSONText {
  /// Encodes a value on one line, with its line feed.
  package static func line(_ value: some Encodable) -> String {
    guard let bytes = try? ControlCodec.encodeJSON(value) else { return "null\n" }
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      // Some terminals obey these characters. They occur only inside JSON strings, where they can be
      // escaped.
      if (0x7F...0x9F).contains(scalar.value) {
        text.append(contentsOf: "\\u00\(String(scalar.value, radix: 16))".unicodeScalars)
      } else {
        text.append(scalar)
      }
    }
    return String(text) + "\n"
  }

  /// Encodes a failure on one line: the daemon's error object, or one with the same members but `code`.
  package static func line(_ failure: Failure) -> String {
    if let error = failure.error { return line(error) }
    return line(LocalError(data: ControlErrorData(reason: failure.reason), message: failure.message))
  }

  private struct LocalError: Encodable {
    let data: ControlErrorData
    let message: String
  }
}
