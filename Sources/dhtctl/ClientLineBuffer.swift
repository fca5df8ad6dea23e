/// Bytes that come in pieces, taken out as lines of a bounded length.
package struct ClientLineBuffer {
  /// A line without its line feed.
  package enum Line: Hashable, Sendable {
    case text([UInt8])
    /// The line was over the limit and is gone.
    case tooLong
  }

  private let limit: Int
  private var bytes: [UInt8] = []
  /// Where the next line begins, and from where on no line feed was looked for.
  private var start = 0
  private var searched = 0
  private var isSkipping = false

  /// A buffer of lines of at most `limit` bytes.
  package init(limit: Int) { self.limit = limit }

  /// Adds what was read.
  package mutating func append(_ piece: some Collection<UInt8>) {
    if start > 0, start == bytes.count || start > 64 * 1024 {
      bytes.removeSubrange(..<start)
      searched -= start
      start = 0
    }
    bytes.append(contentsOf: piece)
  }

  /// Whether nothing is left that was not taken out.
  package var isEmpty: Bool { start == bytes.count }

  /// Whether `next` has a line to give.
  package var hasLine: Bool { bytes[searched...].contains(UInt8(ascii: "\n")) }

  /// The next line, or nil where more must be read first. An over-long line is reported as soon as
  /// it is known to be one, and the rest of it is thrown away.
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

  /// What is left when nothing more comes: a last line without a line feed.
  package mutating func last() -> Line? {
    defer {
      start = bytes.count
      searched = start
    }
    return isSkipping || start == bytes.count ? nil : .text(Array(bytes[start...]))
  }
}
