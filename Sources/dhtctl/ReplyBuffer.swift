import ControlProtocol

/// What a connection has sent, taken out as lines where they lie.
package struct ReplyBuffer {
  private var bytes: [UInt8]
  private var filled = 0
  private let limit: Int

  /// A buffer that has room for `size` bytes, and grows for lines of up to `limit`.
  package init(size: Int = 256 * 1024, limit: Int = ControlLimits.maxAnswerBytes) {
    self.limit = max(1, limit)
    bytes = [UInt8](repeating: 0, count: min(max(1, size), self.limit))
  }

  /// Has somebody fill the room that is left.
  /// - Parameter read: gets the buffer and where its room begins, and tells how many bytes it wrote there.
  /// - Returns: false where a line has no room.
  package mutating func fill(
    _ read: (_ buffer: inout [UInt8], _ start: Int) throws(Failure) -> Int
  ) throws(Failure) -> Bool {
    if filled == bytes.count {
      guard bytes.count < limit else { return false }
      bytes += [UInt8](repeating: 0, count: min(bytes.count, limit - bytes.count))
    }
    filled += try read(&bytes, filled)
    return true
  }

  /// Takes out every line that is whole, without its line feed.
  package mutating func takeLines(_ take: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    var start = 0
    while let end = bytes[start..<filled].firstIndex(of: UInt8(ascii: "\n")) {
      try take(bytes.span.extracting(start..<end))
      start = end + 1
    }
    guard start > 0 else { return }
    // The beginning of a line that is still to come.
    for index in start..<filled { bytes[index - start] = bytes[index] }
    filled -= start
  }
}
