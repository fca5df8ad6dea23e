import Foundation
import Glibc

/// A connection to a control socket: any bytes out, lines in.
final class ControlSocketClient {
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  let descriptor: Int32
  private var buffer: [UInt8] = []
  private var lastID: Int64 = 0
  private(set) var isClosedByDaemon = false

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      throw Failed(description: "cannot connect to \(path): \(String(cString: strerror(errno)))")
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  deinit { close(descriptor) }

  /// The process at the other end.
  var daemon: pid_t {
    // A `ucred`, which the C library hides: process, user and group.
    var peer: (process: pid_t, user: uid_t, group: gid_t) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: peer))
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length)
    return peer.process
  }

  // MARK: - Bytes

  /// Sends as much as the daemon takes at once.
  /// - Returns: how many bytes that was.
  @discardableResult
  func sendSome(_ bytes: some Collection<UInt8>) -> Int {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      rest = rest.dropFirst(count)
    }
    return bytes.count - rest.count
  }

  /// Sends everything, and keeps what is answered meanwhile. Ends early when the daemon hangs up.
  func send(_ bytes: [UInt8], within seconds: Double = 30) throws {
    let deadline = Deadline(within: seconds)
    var rest = bytes[...]
    while !rest.isEmpty, !isClosedByDaemon {
      guard !deadline.isOver else { throw TimedOut(what: "the daemon to take \(rest.count) bytes") }
      rest = rest.dropFirst(sendSome(rest))
      if rest.isEmpty { return }
      wait(for: POLLIN | POLLOUT, until: deadline)
      receiveSome()
    }
  }

  /// Closes this half of the connection: nothing more will be said.
  func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// The next line of the daemon without its line feed; nil once it has hung up.
  func readLine(within seconds: Double = 30) throws -> [UInt8]? {
    let deadline = Deadline(within: seconds)
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        return line
      }
      if isClosedByDaemon { return nil }
      guard !deadline.isOver else { throw TimedOut(what: "a line of the daemon") }
      wait(for: POLLIN, until: deadline)
      receiveSome()
    }
  }

  /// The lines that have come by now, without a wait.
  func linesAtHand() -> [[UInt8]] {
    receiveSome()
    var lines = buffer.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    buffer = lines.removeLast()
    return lines
  }

  private func wait(for events: Int32, until deadline: Deadline) {
    _ = waitForAny([pollfd(fd: descriptor, events: Int16(events), revents: 0)], until: deadline)
  }

  private func receiveSome() {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 {
      buffer += piece.prefix(count)
    } else if count == 0 || errno != EAGAIN && errno != EINTR {
      isClosedByDaemon = true
    }
  }

  // MARK: - Requests

  /// The line of a request.
  static func line(_ method: String, _ params: JSON = .null, id: JSON?) -> [UInt8] {
    var request: [String: JSON] = ["jsonrpc": "2.0", "method": .string(method)]
    if let id { request["id"] = id }
    if params != .null { request["params"] = params }
    return JSON.object(request).bytes + [0x0A]
  }

  /// The next line of the daemon as JSON; an error if it hangs up instead.
  func readAnswer(within seconds: Double = 30) throws -> JSON {
    guard let line = try readLine(within: seconds) else {
      throw Failed(description: "the daemon hung up instead of answering")
    }
    return try JSON(parsing: line)
  }

  /// Sends a request and waits for its answer: an object with `result` or `error`.
  @discardableResult
  func call(_ method: String, _ params: JSON = .null) throws -> JSON {
    try callAll([(method, params)]).first ?? .null
  }

  /// Sends all requests at once, and gives their answers in the order of the requests.
  func callAll(_ requests: [(method: String, params: JSON)], within seconds: Double = 60) throws -> [JSON] {
    let first = lastID + 1
    var lines: [UInt8] = []
    for (method, params) in requests {
      lastID += 1
      lines += Self.line(method, params, id: .integer(lastID))
    }
    try send(lines, within: seconds)
    var answers = [JSON](repeating: .null, count: requests.count)
    for _ in requests {
      let answer = try readAnswer(within: seconds)
      guard let id = answer["id"].integer, answers.indices.contains(Int(id - first)) else {
        throw Failed(description: "an answer to nothing that was asked: \(answer)")
      }
      answers[Int(id - first)] = answer
    }
    return answers
  }

  func putAll(_ pairs: [(key: String, value: String)]) throws -> [JSON] {
    try callAll(pairs.map { ("put", ["key": .string($0.key), "value": .string($0.value)]) })
  }

  func getAll(_ keys: [String]) throws -> [JSON] {
    try callAll(keys.map { ("get", ["key": .string($0)]) })
  }

  @discardableResult
  func put(_ key: String, _ value: String) throws -> JSON {
    try call("put", ["key": .string(key), "value": .string(value)])
  }

  /// The value of a key; nil if it is not found or cannot be read.
  func get(_ key: String) throws -> String? {
    try call("get", ["key": .string(key)])["result"]["value"].string
  }

  func status() throws -> JSON { try call("status")["result"] }
}
