import ControlProtocol
import Glibc

/// Sends requests to a daemon and receives its answers, on one connection.
struct ControlClient: ~Copyable {
  private(set) var connection: DaemonConnection
  private let timeout: Duration
  private var nextID: Int64 = 1
  private var methods: [RequestID: ControlMethod] = [:]

  init(_ connection: consuming DaemonConnection, timeout: Duration) {
    self.connection = connection
    self.timeout = timeout
  }

  /// Queues a request for `send`, and returns its ID.
  mutating func enqueue(_ request: ControlRequest) throws(Failure) -> RequestID {
    let id = RequestID.integer(nextID)
    let line = ControlCodec.encodeRequest(request, id: id)
    guard line.count <= ControlLimits.maxLineBytes else {
      throw Failure(
        .failed,
        "the request has \(line.count) bytes, and dhtd allows \(ControlLimits.maxLineBytes); use a shorter value",
        reason: "too_large")
    }
    nextID += 1
    methods[id] = request.method
    connection.enqueue(line)
    return id
  }

  /// The next complete answer; nil if there is none yet.
  mutating func nextResponse() throws(Failure) -> ControlResponse? {
    guard let line = try connection.nextLine() else { return nil }
    let response: ControlResponse
    do {
      response = try ControlCodec.decodeResponse(line) { methods[$0] }
    } catch {
      throw Failure(
        .failed, "dhtctl cannot read the answer of dhtd: \(error); check that both have the same version",
        reason: "protocol")
    }
    // An error without an ID is about the whole connection, for example too many clients.
    if response.id == .null, case .failure(let error) = response.outcome { throw Failure(error) }
    methods[response.id] = nil
    return response
  }

  mutating func send() throws(Failure) { try connection.send() }

  mutating func receive() throws(Failure) { try connection.receive() }

  /// Sends a request and waits for its answer.
  mutating func call(_ request: ControlRequest) throws(Failure) -> ControlResult {
    let id = try enqueue(request)
    let deadline = ContinuousClock.now + timeout
    while true {
      while let response = try nextResponse() {
        guard response.id == id else { continue }
        switch response.outcome {
        case .success(let result): return result
        case .failure(let error): throw Failure(error)
        }
      }
      guard ContinuousClock.now < deadline else { throw Self.timedOut(timeout, request.method) }
      try send()
      var descriptors = [pollfd(fd: connection.descriptor, events: events, revents: 0)]
      Poll.wait(&descriptors, until: deadline)
      if descriptors.first?.revents != 0, descriptors.first?.revents != Int16(POLLOUT) { try receive() }
    }
  }

  /// The events to wait for on the connection.
  var events: Int16 { Int16(connection.hasOutput ? POLLIN | POLLOUT : POLLIN) }

  /// - Parameter method: the method that has not been answered; nil if there may be several.
  static func timedOut(_ timeout: Duration, _ method: ControlMethod? = nil) -> Failure {
    let (seconds, attoseconds) = timeout.components
    let tenths = attoseconds / 100_000_000_000_000_000
    let length = tenths == 0 ? "\(seconds)" : "\(seconds).\(tenths)"
    let advice =
      switch method {
      // Their answers wait for other nodes, and nothing need be wrong with dhtd.
      case .ping, .bootstrap:
        "no answer within \(length) s; dhtd still waits for the node: use a longer --timeout"
      default: "no answer from dhtd within \(length) s; check its log, or wait longer with --timeout"
      }
    return Failure(.failed, advice, reason: "timed_out")
  }
}
