/// Splits input into lines. It holds at most one incomplete line.
struct LineBuffer {
  /// The capacity that an empty buffer keeps.
  private static let idleCapacity = 64 << 10

  private let limit: Int
  private var bytes: [UInt8] = []
  /// Bytes at the front that were returned as lines.
  private var taken = 0
  /// Bytes at the front that were searched for a line feed.
  private var searched = 0

  init(limit: Int) {
    self.limit = limit
  }

  enum Next {
    case line([UInt8])
    /// No complete line is available yet.
    case more
    /// A line is longer than the limit.
    case tooLong
  }

  /// True if the buffer ends with an incomplete line.
  var isMidLine: Bool { bytes.count > taken }

  mutating func append(_ arrived: UnsafeRawBufferPointer) {
    // Returned lines are removed from time to time. Otherwise the buffer of a client that is always in the
    // middle of a line would grow without bound.
    if taken == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= Self.idleCapacity)
      (taken, searched) = (0, 0)
    } else if taken > limit {
      bytes.removeFirst(taken)
      searched -= taken
      taken = 0
    }
    // The bytes are copied.
    unsafe bytes.append(contentsOf: arrived)
  }

  /// The rest of the input at its end: a last line without a line feed.
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
