/// A request of a client, from its invocation to its result.
package struct ClientOperation: Sendable {
  /// The kind of a request.
  package enum Kind: Hashable, Sendable {
    /// Writes a value, over whatever is there.
    case put(value: String)
    /// Writes a value if the current version has a seq; 0 if there must be no value.
    case compareAndSet(value: String, expected: Int64)
    case delete
    case get
  }

  /// The version of a write.
  package struct Version: Hashable, Sendable {
    package let seq: Int64
    /// The end of its time to live, as a time of the run; nil if it outlasts the run.
    package let expiry: Duration?

    package init(seq: Int64, expiry: Duration? = nil) {
      self.seq = seq
      self.expiry = expiry
    }
  }

  /// The result of a request, as its client was told.
  package enum Result: Hashable, Sendable {
    /// A write that is at most of the nodes that count for the key.
    case confirmed(Version)
    /// A write that is at too few of them for every read to meet it.
    case weak(Version)
    /// A write that may have taken effect or not. The version is nil if the client was not told it.
    case unknown(Version?)
    /// A write of which nothing was sent.
    case refused
    /// A read that found a value.
    case found(seq: Int64, value: String, isUnconfirmed: Bool)
    case notFound
    /// A read for which too few nodes answered.
    case unreachable
    /// A read whose client was told nothing.
    case unanswered
  }

  /// The part of the run to which a request belongs.
  package enum Phase: Hashable, Sendable {
    /// Faults come and go.
    case faults
    /// All nodes are back, and have had the time to exchange what they hold.
    case healed
  }

  /// The number of the operation in its history.
  package let id: Int
  /// The client, which has one request at a time.
  package let process: Int
  /// The node that the client asks.
  package let node: Int
  package let key: String
  package let kind: Kind
  /// The times of invocation and completion since the start of the run.
  package let invoked: Duration
  package let completed: Duration
  package let result: Result
  package let phase: Phase
  /// The time to live that a put asked for; nil if it outlasts the run.
  package let timeToLive: Duration?
  /// The seq that each node held under the key when the request was made, if the player can see it; nil for a node
  /// without the key.
  package let held: [Int64?]?
  /// More about the result, for people.
  package let details: String

  package init(
    id: Int, process: Int, node: Int, key: String, kind: Kind, invoked: Duration, completed: Duration,
    result: Result, phase: Phase = .faults, timeToLive: Duration? = nil, held: [Int64?]? = nil,
    details: String = ""
  ) {
    self.id = id
    self.process = process
    self.node = node
    self.key = key
    self.kind = kind
    self.invoked = invoked
    self.completed = completed
    self.result = result
    self.phase = phase
    self.timeToLive = timeToLive
    self.held = held
    self.details = details
  }

  /// The value that it writes; nil for a read or a deletion.
  package var value: String? {
    switch kind {
    case .put(let value), .compareAndSet(let value, _): value
    case .delete, .get: nil
    }
  }

  /// The version of a confirmed write.
  package var confirmedVersion: Version? {
    if case .confirmed(let version) = result { version } else { nil }
  }

  /// True if it is a write that took effect or may have.
  var mayHaveWritten: Bool {
    guard kind != .get else { return false }
    return result != .refused
  }

  /// The version of a write, if its client was told it.
  var knownVersion: Version? {
    switch result {
    case .confirmed(let version), .weak(let version), .unknown(let version?): version
    case .unknown(nil), .refused, .found, .notFound, .unreachable, .unanswered: nil
    }
  }

  /// Returns whether the write may have a seq above another one.
  func mayFollow(_ seq: Int64) -> Bool { knownVersion.map { $0.seq > seq } ?? true }
}

extension ClientOperation: CustomStringConvertible {
  /// One line for people.
  package var description: String {
    let request =
      switch kind {
      case .put(let value): "put \(key)=\(value)"
      case .compareAndSet(let value, let expected): "put \(key)=\(value) if seq is \(expected)"
      case .delete: "delete \(key)"
      case .get: "get \(key)"
      }
    let span = timeToLive.map { " ttl \($0.text)" } ?? ""
    return "[\(invoked.text) to \(completed.text)] #\(id) client \(process) at node \(node): "
      + "\(request)\(span) -> \(result)\(details.isEmpty ? "" : " (\(details))")"
  }
}

extension ClientOperation.Result: CustomStringConvertible {
  package var description: String {
    switch self {
    case .confirmed(let version): "confirmed, \(version)"
    case .weak(let version): "weak, \(version)"
    case .unknown(let version): "unknown\(version.map { ", \($0)" } ?? "")"
    case .refused: "refused"
    case .found(let seq, let value, let isUnconfirmed):
      "found \(value), seq \(seq)\(isUnconfirmed ? ", unconfirmed" : "")"
    case .notFound: "not found"
    case .unreachable: "unreachable"
    case .unanswered: "no answer"
    }
  }
}

extension ClientOperation.Version: CustomStringConvertible {
  package var description: String { "seq \(seq)\(expiry.map { " until \($0.text)" } ?? "")" }
}

extension Duration {
  /// Seconds with milliseconds.
  package var text: String {
    let (seconds, attoseconds) = components
    let digits = String(abs(attoseconds / 1_000_000_000_000_000))
    let sign = self < .zero && seconds == 0 ? "-" : ""
    return "\(sign)\(seconds).\(String(repeating: "0", count: 3 - digits.count))\(digits)s"
  }
}
