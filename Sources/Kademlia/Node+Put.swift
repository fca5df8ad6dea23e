import NodeTime

/// The second half of a put: storing at the nodes that the lookup found.
extension Node {
  /// Carries a put on as far as it can be now.
  ///
  /// - Returns: its outcome; nil while it goes on.
  mutating func store(
    _ now: Now, _ placement: Placement, _ operation: Operation
  ) -> PutOutcome? {
    if case .locating = placement.phase {
      guard operation.lookup.isFinished else { return nil }
      let replicas = operation.lookup.closest.count
      if let current = placement.conflict {
        return placement.outcome(.conflict(current: current), stored: 0, replicas: replicas)
      }
      guard placement.begin(replicas: replicas) else {
        return placement.outcome(.quorumFailed, stored: 0, replicas: replicas)
      }
    }
    if placement.isShort, let (record, nodes) = placement.due(from: operation.lookup.closest) {
      for node in nodes {
        placement.asked(node.peer)
        guard let answer = operation.lookup.answer(of: node) else { continue }
        if let token = answer.token {
          send(now, record, of: placement, to: node.peer, token: token, for: operation.id)
        } else if let error = refusal(now, record, placement.cas) {
          // This node is a replica like any other: a version that it has learned of meanwhile
          // counts against its own put, too. What else it could object to, everybody would.
          if error.isOverSeq, let held = shared.records.stored(record.id) {
            placement.refused(by: held.record.version)
          }
          _ = placement.refused(id, reason: .refused(error), overSeq: error.isOverSeq)
        } else {
          commit(now, .keep(record), awaitedBy: .placement(operation.id))
        }
      }
    }
    guard operation.lookup.isFinished, let outcome = placement.outcome else { return nil }
    return publishIfNeeded(now, placement, operation.id, outcome) ? outcome : nil
  }

  // MARK: - What its publisher notes

  /// Whether a put has nothing more to wait for. One that was confirmed is noted as published by this node
  /// before anybody is told so, so that it is published again until its time is over, whatever happens to
  /// this node. One that was not is not: whether it lasts is unknown, and its user is told that.
  private mutating func publishIfNeeded(
    _ now: Now, _ placement: Placement, _ operation: OperationID, _ outcome: PutOutcome
  ) -> Bool {
    guard outcome.verdict == .stored else { return true }
    switch placement.publication {
    case .noted: return true
    case .pending: return false
    case .none:
      // One that ends before the first round comes by need not be noted.
      let interval = shared.parameters.effectiveRepublishInterval.components.seconds
      guard case .storing(let record, _) = placement.phase,
        record.version.expiry - now.wall.seconds > interval
      else { return true }
      placement.publication = .pending
      commit(now, .publish(record), awaitedBy: .publication(operation))
      return false
    }
  }

  /// The record is noted, or cannot be.
  mutating func published(_ now: Now, _ id: OperationID) {
    updatePlacement(now, id) { placement in
      placement.publication = .noted
      return false
    }
  }

  private mutating func send(
    _ now: Now, _ record: Record, of placement: Placement, to peer: Peer, token: WriteToken,
    for operation: OperationID
  ) {
    send(
      now, .put(record, token: token, cas: placement.cas), to: peer.endpoint, expecting: peer.id,
      for: .operation(operation, .store))
  }

  /// Changes a put that is under way, and carries it on.
  ///
  /// - Parameter change: returns whether one more node should be found.
  private mutating func updatePlacement(
    _ now: Now, _ id: OperationID, _ change: (Placement) -> Bool
  ) {
    guard let operation = operations[id] else { return }
    if case .put(let placement) = operation.task, change(placement) { operation.lookup.widen() }
    carryOn(now, id)
  }

  // MARK: - What the holders say

  mutating func storeAnswered(
    _ now: Now, _ id: OperationID, _ peer: Peer, _ response: Response
  ) {
    guard case .put(let placement)? = operations[id]?.task else { return }
    if placement.isConfirmed(by: response) {
      stored(now, id, at: peer.id)
    } else {
      refusedStore(now, id, at: peer.id, reason: .unnamedVersion)
    }
  }

  mutating func stored(_ now: Now, _ id: OperationID, at peer: NodeID) {
    updatePlacement(now, id) { placement in
      placement.confirmed(peer)
      return false
    }
  }

  mutating func storeRefused(_ now: Now, _ id: OperationID, at peer: Peer, _ error: RPCError) {
    if error.code == RPCError.protocolError, case .put(let placement)? = operations[id]?.task,
      placement.renewToken(peer.id)
    {
      let query = Query.Method.get(
        target: placement.id.target, kind: placement.id.kind, seq: placement.version.seq)
      send(now, query, to: peer.endpoint, expecting: peer.id, for: .operation(id, .token))
      return
    }
    if error.isOverSeq, case .put(let placement)? = operations[id]?.task, placement.asksForVersion(peer.id) {
      // A signed version must be shown to be believed.
      let query = Query.Method.get(
        target: placement.id.target, kind: placement.id.kind, seq: placement.id.kind == .plain ? .max : nil)
      send(now, query, to: peer.endpoint, expecting: peer.id, for: .operation(id, .refusal(error)))
      return
    }
    refusedStore(now, id, at: peer.id, reason: .refused(error), overSeq: error.isOverSeq)
  }

  /// A node that holds a newer version has said which, if it has.
  mutating func refusalExplained(
    _ now: Now, _ id: OperationID, at peer: NodeID, _ error: RPCError, _ held: HeldRecord?
  ) {
    updatePlacement(now, id) { placement in
      if let held { placement.refused(by: held.version) }
      return placement.refused(peer, reason: .refused(error), overSeq: true)
    }
  }

  mutating func tokenRenewed(
    _ now: Now, _ id: OperationID, _ peer: Peer, _ response: Response
  ) {
    guard case .put(let placement)? = operations[id]?.task,
      case .storing(let record, _) = placement.phase
    else { return }
    if let token = response.token {
      send(now, record, of: placement, to: peer, token: token, for: id)
    } else {
      refusedStore(now, id, at: peer.id, reason: .noToken)
    }
  }

  mutating func refusedStore(
    _ now: Now, _ id: OperationID, at peer: NodeID, reason: PutOutcome.Reason, overSeq: Bool = false
  ) {
    updatePlacement(now, id) { $0.refused(peer, reason: reason, overSeq: overSeq) }
  }

  mutating func storeFellSilent(_ now: Now, _ id: OperationID, at peer: NodeID) {
    updatePlacement(now, id) { $0.fellSilent(peer) }
  }

  // MARK: - Those that come late

  /// Nodes that were taken for dead, or not waited for, and are closer than some that confirmed should hold the record,
  /// too: readers that find them alive would ask them first. A put does not wait for them, but its
  /// lookup's queries do.
  mutating func awaitStragglers(of placement: Placement, _ operation: Operation) {
    guard case .storing(let record, _) = placement.phase,
      let furthest = placement.attempts.last(where: { $0.state == .confirmed })?.peer.id
    else { return }
    let limit = operation.lookup.target.distance(to: furthest)
    let late = operation.lookup.candidates.filter {
      ($0.state == .silent || $0.state == .doubted) && $0.distance < limit
    }
    if !late.isEmpty { stragglers[operation.id] = (record, late.map(\.peer.id)) }
  }

  mutating func stragglerAnswered(
    _ now: Now, _ operation: OperationID, _ peer: Peer, _ response: Response
  ) {
    guard let (record, waiting) = stragglers[operation], waiting.contains(peer.id) else { return }
    stragglerSettled(operation, peer.id)
    guard let token = response.token, response.keeps(record.id.kind) else { return }
    shared.counters.repairsSent += 1
    send(
      now, .put(record, token: token, cas: nil), to: peer.endpoint, expecting: peer.id, for: .copy)
  }

  /// One of them has answered, or never will.
  mutating func stragglerSettled(_ operation: OperationID, _ peer: NodeID) {
    stragglers[operation]?.waiting.removeAll { $0 == peer }
    if stragglers[operation]?.waiting.isEmpty == true { stragglers[operation] = nil }
  }
}
