/// Cuts what arrives into lines, and holds no more than one line that is not whole.
struct LineBuffer {
  /// The room that is kept while nothing is there.
  private static let idleCapacity = 64 << 10

  private let limit: Int
  private var bytes: [UInt8] = []
  /// Bytes at the front that have been taken out.
  private var taken = 0
  /// Bytes at the front that have been looked through for a line feed already.
  private var searched = 0

  init(limit: Int) {
    self.limit = limit
  }

  enum Next {
    case line([UInt8])
    /// No whole line is there yet.
    case more
    /// A line is over the limit.
    case tooLong
  }

  /// Whether a line has begun and not ended.
  var isMidLine: Bool { bytes.count > taken }

  mutating func append(_ arrived: UnsafeRawBufferPointer) {
    // What has been taken out goes now and then, or a client that is always in the middle of a line
    // would make it grow for ever.
    if taken == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= Self.idleCapacity)
      (taken, searched) = (0, 0)
    } else if taken > limit {
      bytes.removeFirst(taken)
      searched -= taken
      taken = 0
    }
    bytes.append(contentsOf: arrived)
  }

  /// What is left when nothing more comes: a last line without a line feed.
  mutating func last() -> [UInt8]? {
    defer { self = LineBuffer(limit: limit) }
    let rest = bytes[taken...]
    return rest.count > limit ? nil : Array(rest)
  }

  mutating func next() -> Next {
    guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = bytes.count
      return bytes.count - taken > limit ? .tooLong : .more
    }
    guard end - taken <= limit else { return .tooLong }
    let line = Array(bytes[taken..<end])
    taken = end + 1
    searched = taken
    return .line(line)
  }
}
