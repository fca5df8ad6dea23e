import ControlProtocol
import Glibc
import SystemPackage

/// A client of a control server.
final class TestClient {
  private let descriptor: Int32
  private var received: [UInt8] = []
  private var isHungUp = false

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    // A server that hangs fails the test, and does not hang it.
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  deinit { hangUp() }

  /// Leaves, whatever is unread.
  func hangUp() {
    guard !isHungUp else { return }
    isHungUp = true
    close(descriptor)
  }

  /// Says that no more requests come.
  func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Sends text.
  func send(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Errno(rawValue: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Asks for the status, once for each ID.
  func sendStatus(_ ids: some Sequence<Int>) throws {
    try send(ids.map { #"{"jsonrpc":"2.0","id":\#($0),"method":"status"}"# + "\n" }.joined())
  }

  /// Asks for a key, with a number for its ID and its key.
  func sendGet(_ ids: Int...) throws {
    try send(
      ids.map { #"{"jsonrpc":"2.0","id":\#($0),"method":"get","params":{"key":"\#($0)"}}"# + "\n" }.joined())
  }

  /// The next line; nil at the end of the connection.
  private func receiveLine() throws -> [UInt8]? {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeFirst(end + 1) }
        return Array(received[..<end])
      }
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count == 0 || count < 0 && errno == ECONNRESET { return nil }
      guard count > 0 else { throw Errno(rawValue: errno) }
      received += buffer[..<count]
    }
  }

  /// The next answer; nil at the end of the connection.
  func receive() throws -> ControlResponse? {
    guard let line = try receiveLine() else { return nil }
    return try ControlCodec.decodeResponse(line) { _ in .status }
  }

  /// The ID of the next answer; nil at the end of the connection.
  func receiveID() throws -> Int? {
    guard let response = try receive() else { return nil }
    if case .integer(let number) = response.id { return Int(number) }
    return -1
  }

  /// The IDs of the next answers, or as many as come before the end of the connection.
  func receiveIDs(_ count: Int) throws -> [Int] {
    var ids: [Int] = []
    while ids.count < count, let id = try receiveID() { ids.append(id) }
    return ids
  }

  /// The reason of the error that the next answer is; nil if it is none.
  func receiveReason() throws -> String? {
    guard case .failure(let error) = try receive()?.outcome else { return nil }
    return error.data.reason
  }
}
