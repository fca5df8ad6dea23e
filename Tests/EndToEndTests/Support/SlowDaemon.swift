import Foundation
import Glibc

/// A control socket whose daemon answers many requests with one write, as one does that was held up.
final class SlowDaemon {
  private let listener: Int32
  private var connection: Int32 = -1
  private var buffer: [UInt8] = []

  /// Listens at a path, for any user.
  init(_ path: String) throws {
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, chmod(path, 0o666) == 0, listen(listener, 1) == 0 else {
      throw ControlSocketClient.Failed(description: "cannot listen at \(path)")
    }
  }

  deinit {
    close(listener)
    if connection >= 0 { close(connection) }
  }

  /// Reads so many requests of its one client.
  /// - Returns: their IDs; fewer if the client hung up or fell silent.
  func requests(_ count: Int, within seconds: Double = 10) throws -> [JSON] {
    let deadline = Deadline(within: seconds)
    if connection < 0 {
      _ = waitForAny([pollfd(fd: listener, events: Int16(POLLIN), revents: 0)], until: deadline)
      connection = accept(listener, nil, nil)
    }
    var ids: [JSON] = []
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    while ids.count < count, !deadline.isOver {
      if let end = buffer.firstIndex(of: 0x0A) {
        ids.append(try JSON(parsing: buffer[..<end])["id"])
        buffer.removeFirst(end + 1)
        continue
      }
      _ = waitForAny([pollfd(fd: connection, events: Int16(POLLIN), revents: 0)], until: deadline)
      let got = recv(connection, &piece, piece.count, Int32(MSG_DONTWAIT))
      if got == 0 { break }
      if got > 0 { buffer += piece.prefix(got) }
    }
    return ids
  }

  /// Answers all of them at once: the key was not found.
  func answer(_ ids: [JSON]) {
    let error: JSON = ["code": 1, "message": "none", "data": ["reason": "not_found"]]
    let lines = ids.flatMap { JSON.object(["jsonrpc": "2.0", "id": $0, "error": error]).bytes + [0x0A] }
    _ = send(connection, lines, lines.count, Int32(MSG_NOSIGNAL))
  }
}
