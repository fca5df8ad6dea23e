/// An answer of the daemon, parsed only as far as a benchmark needs it. It refers to a line in a buffer.
package struct BenchReply: Hashable, Sendable {
  /// The range of the result or the error in the line.
  package enum Outcome: Hashable, Sendable {
    case result(Range<Int>)
    case error(Range<Int>)
  }

  /// The number of the request; nil for an answer about the whole connection.
  package let id: UInt64?
  /// The result or the error.
  package let outcome: Outcome

  /// Parses a line without its line feed; nil if it is not an answer.
  package init?(_ line: Span<UInt8>) {
    var id: UInt64?
    var outcome: Outcome?
    let isWhole = JSONScan.members(of: line, in: 0..<line.count) { name, value in
      if JSONScan.isEqual(line, name, Self.id) {
        id = JSONScan.wholeNumber(line, value)
      } else if JSONScan.isEqual(line, name, Self.result) {
        outcome = .result(value)
      } else if JSONScan.isEqual(line, name, Self.error) {
        outcome = .error(value)
      }
    }
    guard isWhole, let outcome else { return nil }
    self.id = id
    self.outcome = outcome
  }

  /// Returns whether the answer is an error with this code.
  package func isError(_ code: UInt64, _ line: Span<UInt8>) -> Bool {
    guard case .error(let range) = outcome else { return false }
    var found: UInt64?
    JSONScan.members(of: line, in: range) { name, value in
      if JSONScan.isEqual(line, name, Self.code) { found = JSONScan.wholeNumber(line, value) }
    }
    return found == code
  }

  /// Returns whether the result has this text as its `value`, written without escapes.
  package func hasValue(_ text: [UInt8], _ line: Span<UInt8>) -> Bool {
    guard case .result(let range) = outcome else { return false }
    var isRight = false
    JSONScan.members(of: line, in: range) { name, value in
      if JSONScan.isEqual(line, name, Self.value), value.count >= 2 {
        isRight =
          line[value.lowerBound] == UInt8(ascii: "\"")
          && JSONScan.isEqual(line, value.lowerBound + 1..<value.upperBound - 1, text)
      }
    }
    return isRight
  }

  private static let id = Array("id".utf8)
  private static let result = Array("result".utf8)
  private static let error = Array("error".utf8)
  private static let code = Array("code".utf8)
  private static let value = Array("value".utf8)
}
