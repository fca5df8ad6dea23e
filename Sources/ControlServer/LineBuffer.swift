import NIOCore

/// Cuts what arrives into lines, and holds no more than one line that is not whole.
struct LineBuffer {
  private let limit: Int
  private var buffer = ByteBuffer()
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
  var isMidLine: Bool { buffer.readableBytes > 0 }

  mutating func append(_ bytes: inout ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = bytes
      searched = 0
    } else {
      // What has been taken out goes now and then, or a client that is always in the middle of a
      // line would make it grow for ever.
      if buffer.readerIndex > limit { buffer.discardReadBytes() }
      buffer.writeBuffer(&bytes)
    }
  }

  /// What is left when nothing more comes: a last line without a line feed.
  mutating func last() -> [UInt8]? {
    defer { buffer = ByteBuffer() }
    return buffer.readableBytes > limit ? nil : buffer.readBytes(length: buffer.readableBytes)
  }

  mutating func next() -> Next {
    let view = buffer.readableBytesView
    guard let end = view.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) else {
      searched = view.count
      return view.count > limit ? .tooLong : .more
    }
    let length = end - view.startIndex
    guard length <= limit, let line = buffer.readBytes(length: length) else { return .tooLong }
    buffer.moveReaderIndex(forwardBy: 1)
    searched = 0
    if buffer.readableBytes == 0 { buffer = ByteBuffer() }
    return .line(line)
  }
}
