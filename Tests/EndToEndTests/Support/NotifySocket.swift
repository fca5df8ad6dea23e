import Foundation
import Glibc

/// The socket at which a service manager listens to what its services tell (sd_notify(3)).
final class NotifySocket {
  let path: String
  private let descriptor: Int32
  /// The assignments received so far.
  private(set) var assignments: [String] = []

  init(_ path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw TimedOut(what: "a socket at \(path)") }
    // The programs run as another user than the tests may.
    chmod(path, 0o666)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  deinit { close(descriptor) }

  /// Fills its own buffer, as if it had not been read for long.
  func fill() {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let sender = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(sender) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    var sent = 0
    repeat {
      sent = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(sender, "X=1", 3, Int32(MSG_DONTWAIT), $0, length)
        }
      }
    } while sent > 0
  }

  /// Waits until an assignment matches a condition.
  func wait(within seconds: Double = 20, for what: String, _ isIt: (String) -> Bool) throws {
    let deadline = Deadline(within: seconds)
    while !assignments.contains(where: isIt) {
      guard !deadline.isOver else {
        throw TimedOut(what: what, details: assignments.joined(separator: "\n"))
      }
      _ = waitForAny([pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)], until: deadline)
      receive()
    }
  }

  func wait(for assignment: String) throws { try wait(for: assignment) { $0 == assignment } }

  /// Forgets the assignments so far.
  func clear() {
    receive()
    assignments = []
  }

  private func receive() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, 0)
      guard count > 0 else { return }
      let text = String(decoding: bytes.prefix(count), as: UTF8.self)
      assignments += text.split(separator: "\n").map(String.init)
    }
  }
}
