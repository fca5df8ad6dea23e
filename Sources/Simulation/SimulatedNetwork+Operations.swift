package import Kademlia
package import NodeTime

/// Identifies an operation of a host, from its start to its outcome.
package struct Ticket: Hashable, Sendable {
  /// The host at which the operation began.
  package let host: Int
  /// The life of the host in which it began.
  let life: Int
  /// The ID of the operation in its node.
  package let operation: OperationID
}

/// A violation of the guarantees for every operation.
package enum SimulationError: Error, Hashable {
  /// The operation had no outcome after this much virtual time.
  case neverEnded(Ticket, after: Duration)
  case outcomeOfAnotherKind(Ticket)
}

/// Operations that run until their outcome.
extension SimulatedNetwork {
  /// The limit on the duration of any operation.
  package static let operationTimeout: Duration = .seconds(60)

  // MARK: - Whole operations

  /// Stores a value and runs until the outcome.
  package mutating func put(
    _ key: String, _ value: String, at host: Int, ttl: Int64? = nil, ifSeq: Int64? = nil
  ) throws -> PutOutcome {
    try putOutcome(of: beginPut(key, value, at: host, ttl: ttl, ifSeq: ifSeq))
  }

  /// Deletes a key and runs until the outcome.
  package mutating func delete(_ key: String, at host: Int) throws -> PutOutcome {
    try putOutcome(of: begin(at: host) { try $0.delete($1, key: Array(key.utf8)) })
  }

  /// Reads a key and runs until the outcome.
  package mutating func get(_ key: String, at host: Int) throws -> GetOutcome {
    let ticket = try beginGet(key, at: host)
    guard case .get(let outcome) = try outcome(of: ticket) else {
      throw SimulationError.outcomeOfAnotherKind(ticket)
    }
    return outcome
  }

  /// Reads a key as text, whether the version is confirmed or not; nil if there is no value to be found.
  package mutating func value(of key: String, at host: Int) throws -> String? {
    switch try get(key, at: host) {
    case .found(let record), .unconfirmed(let record), .cached(let record, _):
      String(decoding: record.value, as: UTF8.self)
    case .notFound, .unreachable: nil
    }
  }

  /// Finds the nodes closest to a target and runs until the outcome.
  package mutating func lookup(_ target: NodeID, at host: Int) throws -> LookupOutcome {
    let ticket = try begin(at: host) { try $0.lookup($1, target) }
    guard case .lookup(let outcome) = try outcome(of: ticket) else {
      throw SimulationError.outcomeOfAnotherKind(ticket)
    }
    return outcome
  }

  /// Pings an address and runs until the outcome.
  package mutating func ping(_ endpoint: Endpoint, at host: Int) throws -> PingOutcome {
    let ticket = try begin(at: host) { try $0.ping($1, endpoint) }
    guard case .ping(let outcome) = try outcome(of: ticket) else {
      throw SimulationError.outcomeOfAnotherKind(ticket)
    }
    return outcome
  }

  // MARK: - Operations in steps

  /// Begins a put without waiting for its outcome.
  package mutating func beginPut(
    _ key: String, _ value: String, at host: Int, ttl: Int64? = nil, ifSeq: Int64? = nil
  ) throws(OperationRefusal) -> Ticket {
    try begin(at: host) { node, now throws(OperationRefusal) in
      try node.put(now, key: Array(key.utf8), value: Array(value.utf8), ttl: ttl, ifSeq: ifSeq)
    }
  }

  /// Begins a get without waiting for its outcome.
  package mutating func beginGet(_ key: String, at host: Int) throws(OperationRefusal) -> Ticket {
    try begin(at: host) { node, now throws(OperationRefusal) in
      try node.get(now, key: Array(key.utf8))
    }
  }

  /// Begins an operation without waiting for its outcome.
  package mutating func begin<Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> OperationID
  ) throws(Failure) -> Ticket {
    let operation = try act(at: host, body)
    return Ticket(host: host, life: hosts[host].life, operation: operation)
  }

  /// Runs until an operation's outcome, and takes it.
  package mutating func outcome(of ticket: Ticket) throws(SimulationError) -> Outcome {
    run(until: time + Self.operationTimeout) { $0.hasOutcome(ticket) }
    guard let outcome = outcomes.removeValue(forKey: ticket) else {
      throw .neverEnded(ticket, after: Self.operationTimeout)
    }
    return outcome
  }

  /// Runs until a put's outcome, and takes it.
  package mutating func putOutcome(of ticket: Ticket) throws(SimulationError) -> PutOutcome {
    guard case .put(let outcome) = try outcome(of: ticket) else {
      throw .outcomeOfAnotherKind(ticket)
    }
    return outcome
  }

  /// Returns whether an operation has ended and its outcome is not taken yet.
  package func hasOutcome(_ ticket: Ticket) -> Bool { outcomes[ticket] != nil }

  // MARK: - The true state, for comparison

  /// The hosts that run, by index.
  package var alive: [Int] { hosts.indices.filter { hosts[$0].isAlive } }

  /// The running hosts closest to a target, the closest first, which a lookup should find.
  package func closest(to target: NodeID, count: Int) -> [Int] {
    let nearest = alive.sorted {
      target.distance(to: hosts[$0].id) < target.distance(to: hosts[$1].id)
    }
    return Array(nearest.prefix(count))
  }

  /// The running hosts that should hold a key, the closest first.
  package func replicas(of key: String) -> [Int] {
    closest(to: NodeID(sha1Of: Array(key.utf8)), count: configuration.parameters.k)
  }

  /// The record in a host's store under a key, whatever its age.
  package func stored(_ key: String, at host: Int) -> Record? {
    hosts[host].store.stored(RecordID(.plain, NodeID(sha1Of: Array(key.utf8))))?.record
  }

  /// The running hosts that hold a key, by index.
  package func holders(of key: String) -> [Int] {
    alive.filter { stored(key, at: $0) != nil }
  }
}
