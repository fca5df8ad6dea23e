import ControlProtocol

/// The input of a connection, split into lines in place.
package struct ReplyBuffer {
  private var bytes: [UInt8]
  private var filled = 0
  private let limit: Int

  /// A buffer with room for `size` bytes, which grows for lines of up to `limit` bytes.
  package init(size: Int = 256 * 1024, limit: Int = ControlLimits.maxAnswerBytes) {
    self.limit = max(1, limit)
    bytes = [UInt8](repeating: 0, count: min(max(1, size), self.limit))
  }

  /// Lets a function fill the free room.
  /// - Parameter read: called with the buffer and the offset of its free room; returns the number of bytes
  ///   written.
  /// - Returns: false if a line does not fit.
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

  /// Takes out every complete line, without its line feed.
  package mutating func takeLines(_ take: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    var start = 0
    while let end = bytes[start..<filled].firstIndex(of: UInt8(ascii: "\n")) {
      try take(bytes.span.extracting(start..<end))
      start = end + 1
    }
    guard start > 0 else { return }
    // Keep the beginning of an incomplete line.
    for index in start..<filled { bytes[index - start] = bytes[index] }
    filled -= start
  }
}
