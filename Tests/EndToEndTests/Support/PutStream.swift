import Foundation

/// Puts that are sent to a node one after the other, many at once in flight.
final class PutStream {
  private let client: ControlSocketClient
  private var lastID: Int64 = 0
  private var inFlight: [Int64: (key: String, value: String)] = [:]

  init(_ node: DaemonProcess) throws { client = try node.connect() }

  /// The number of unanswered requests.
  static let window = 64

  /// Sends what there is room for.
  private func send(_ promises: inout Promises, _ next: () -> (key: String, value: String)) {
    var lines: [UInt8] = []
    while inFlight.count < Self.window {
      let (key, value) = next()
      lastID += 1
      inFlight[lastID] = (key, value)
      promises.began(key, value)
      let params: JSON = ["key": .string(key), "value": .string(value)]
      lines += ControlSocketClient.line("put", params, id: .integer(lastID))
    }
    // Requests that a dead daemon does not accept were not put.
    client.sendSome(lines)
  }

  private func read(_ promises: inout Promises) throws {
    for line in client.linesAtHand() {
      let answer = try JSON(parsing: line)
      guard let id = answer["id"].integer, let put = inFlight.removeValue(forKey: id) else { continue }
      promises.ended(put.key, put.value, answer)
    }
  }

  /// Keeps several streams going until a moment.
  static func run(
    _ streams: [PutStream], until moment: Deadline, _ promises: inout Promises,
    _ next: () -> (key: String, value: String)
  ) throws {
    while !moment.isOver {
      for stream in streams { stream.send(&promises, next) }
      _ = waitForAny(streams.map { $0.waiting }, until: moment)
      for stream in streams { try stream.read(&promises) }
    }
  }

  /// Reads the remaining answers: all of them, or those that a daemon sent before it was killed.
  func finish(_ promises: inout Promises) throws {
    let deadline = Deadline(within: 30)
    while !inFlight.isEmpty, !client.isClosedByDaemon {
      guard !deadline.isOver else { throw TimedOut(what: "\(inFlight.count) answers to puts") }
      _ = waitForAny([waiting], until: deadline)
      try read(&promises)
    }
  }

  private var waiting: pollfd { pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0) }
}
