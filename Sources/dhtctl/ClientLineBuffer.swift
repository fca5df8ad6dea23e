/// Splits input into lines of a bounded length.
package struct ClientLineBuffer {
  /// A line without its line feed.
  package enum Line: Hashable, Sendable {
    case text([UInt8])
    /// The line was longer than the limit and was discarded.
    case tooLong
  }

  private let limit: Int
  private var bytes: [UInt8] = []
  /// The start of the next line, and the offset up to which line feeds were searched for.
  private var start = 0
  private var searched = 0
  private var isSkipping = false

  /// A buffer of lines of at most `limit` bytes.
  package init(limit: Int) { self.limit = limit }

  /// Appends input.
  package mutating func append(_ piece: some Collection<UInt8>) {
    if start > 0, start == bytes.count || start > 64 * 1024 {
      bytes.removeSubrange(..<start)
      searched -= start
      start = 0
    }
    bytes.append(contentsOf: piece)
  }

  /// True if all input was taken.
  package var isEmpty: Bool { start == bytes.count }

  /// True if `next` has a line to return.
  package var hasLine: Bool { bytes[searched...].contains(UInt8(ascii: "\n")) }

  /// The next line; nil if more input is needed. A line that is too long is reported as soon as it exceeds
  /// the limit, and the rest of it is discarded.
  package mutating func next() -> Line? {
    while let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = bytes[start..<end]
      start = end + 1
      searched = start
      if isSkipping { isSkipping = false } else { return line.count > limit ? .tooLong : .text(Array(line)) }
    }
    searched = bytes.count
    if isSkipping {
      start = bytes.count
    } else if bytes.count - start > limit {
      start = bytes.count
      isSkipping = true
      return .tooLong
    }
    return nil
  }

  /// The rest of the input at its end: a last line without a line feed.
  package mutating func last() -> Line? {
    defer {
      start = bytes.count
      searched = start
    }
    return isSkipping || start == bytes.count ? nil : .text(Array(bytes[start...]))
  }
}
