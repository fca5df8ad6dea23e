import NodeTime

/// The answers of the nodes that should hold a record, and the second version that a put may send.
extension PutOperation {
  /// Handles an answer to a store.
  mutating func handleStoreAnswer(_ response: Response, from peer: NodeID) {
    // Other implementations may confirm a plain record that they keep as something else, or not at all. A
    // plain record is therefore confirmed only by its seq. The records of BEP 44 are known to them, and they
    // confirm these without a seq.
    if id.kind != .plain || response.storedSeq == version.seq {
      handleConfirmation(by: peer)
    } else {
      handleFailure(of: peer, .unnamedVersion)
    }
  }

  mutating func handleConfirmation(by id: NodeID) {
    guard let index = index(of: id), !attempts[index].isOutdated else { return }
    attempts[index].state = .confirmed
  }

  /// Handles a holder that refused the record or never answered. Another node is found in its place, unless
  /// the put no longer waited for it.
  mutating func handleFailure(of id: NodeID, _ reason: PutOutcome.Reason, isOverSeq: Bool = false) {
    if handleRefusal(by: id, reason: reason, isOverSeq: isOverSeq) { lookup.widen() }
  }

  /// - Returns: whether another node should be found in its place.
  mutating func handleRefusal(by id: NodeID, reason: PutOutcome.Reason, isOverSeq: Bool) -> Bool {
    guard let index = index(of: id), attempts[index].state != .confirmed else { return false }
    let wasHopeful = attempts[index].state != .unresponsive
    attempts[index].state = .refused(reason)
    if isOverSeq {
      // The holder has a newer version: it is the right node. Another node in its place would only take the
      // older version where nobody looks for it.
      refusals.count += 1
      return false
    }
    return wasHopeful
  }

  /// Handles a holder that is past its second soft timeout: another node is found in its place.
  mutating func handleSecondTimeout(of id: NodeID) {
    guard let index = index(of: id) else { return }
    switch attempts[index].state {
    case .asked, .renewingToken, .askedForVersion:
      attempts[index].state = .unresponsive
      lookup.widen()
    case .confirmed, .unresponsive, .refused: break
    }
  }

  /// Handles an error in answer to a store.
  mutating func handleStoreError(
    _ error: RPCError, from peer: Peer, as operation: OperationID, _ out: inout [Directive]
  ) {
    if error.code == RPCError.protocolError, tryRenewToken(peer.id) {
      return ask(peer, seq: version.seq, as: operation, .token, &out)
    }
    if error.isOverSeq, tryAskForVersion(peer.id) {
      // A signed version must be shown to be believed.
      return ask(peer, seq: id.kind == .plain ? .max : nil, as: operation, .refusal(error), &out)
    }
    handleFailure(of: peer.id, .refused(error), isOverSeq: error.isOverSeq)
  }

  private func ask(
    _ peer: Peer, seq: Int64?, as operation: OperationID, _ step: OperationQuery, _ out: inout [Directive]
  ) {
    out.append(
      .send(
        .get(target: id.target, kind: id.kind, seq: seq), to: peer.endpoint, expecting: peer.id,
        owner: .operation(operation, step)))
  }

  /// Decides whether a node that rejected its own token is asked for a fresh one. It is asked once: tokens
  /// age, and a restart changes the secret.
  ///
  /// - Returns: whether to ask.
  private mutating func tryRenewToken(_ id: NodeID) -> Bool {
    guard let index = index(of: id), !attempts[index].hasRenewed else { return false }
    attempts[index].hasRenewed = true
    attempts[index].state = .renewingToken
    return true
  }

  /// Handles the answer of a holder that was asked for a fresh token.
  mutating func handleToken(
    _ token: WriteToken?, from peer: Peer, as operation: OperationID, _ out: inout [Directive]
  ) {
    guard case .storing(let record, _) = phase else { return }
    if let token {
      send(record, to: peer, token, as: operation, &out)
    } else {
      handleFailure(of: peer.id, .noToken)
    }
  }

  /// Decides whether a holder is asked which newer version it has. A put with `if_seq` reports that version, and
  /// any other may try again above it.
  ///
  /// - Returns: whether to ask.
  private mutating func tryAskForVersion(_ id: NodeID) -> Bool {
    guard ifSeq != nil || mayTryAgain, let index = index(of: id), attempts[index].state != .askedForVersion
    else {
      return false
    }
    attempts[index].state = .askedForVersion
    return true
  }

  /// Handles the answer of a holder that was asked which newer version it has.
  mutating func handleExplanation(_ held: HeldRecord?, of error: RPCError, by peer: NodeID) {
    if let held { refusals.note(held.version) }
    handleFailure(of: peer, .refused(error), isOverSeq: true)
  }

  // MARK: - A second version

  /// True if the put may send one more version, above that of the holders that refused the first.
  private var mayTryAgain: Bool { ifSeq == nil && choosesSeq && !refusals.areAnswered }

  /// Sends a version above that of the holders, if more than half of the replicas have refused the first one for a
  /// newer version: another writer was faster, or the clock here is behind. This happens once, so that two writers
  /// do not drive each other on.
  mutating func tryAgainAboveRefusals(_ now: Now) {
    guard mayTryAgain, case .storing(_, let replicas) = phase, refusals.count > replicas / 2,
      attempts.allSatisfy(\.isSettled)
    else { return }
    refusals.areAnswered = true
    let limit = id.kind == .plain ? now.wall.microseconds + Self.trustedLead : .max
    guard let seq = refusals.greatestSeq(believing: limit, of: replicas), seq < .max else { return }
    highestSeq = max(highestSeq, seq)
    phase = .locating
    guard let record = draft.record(version) else { return }
    phase = .storing(record, replicas: replicas)
    // A node that has not answered may still confirm the first version.
    attempts.removeAll { $0.state != .unresponsive }
    for index in attempts.indices { attempts[index].isOutdated = true }
  }

  /// The refusals by holders that have a newer version than the one that the put sent.
  struct Refusals: Sendable {
    /// The number of refusals.
    var count = 0
    /// True if the put has sent another version in answer to them.
    var areAnswered = false
    /// The seqs that the holders named when they were asked for their version.
    private var seqs: [Int64] = []
    /// The seq that `if_seq` must name now; 0 if the newest version named is a deletion, nil if none is named.
    private(set) var current: Int64?

    mutating func note(_ version: RecordVersion) {
      seqs.append(version.seq)
      current = max(current ?? 0, version.isTombstone ? 0 : version.seq)
    }

    /// The greatest seq that is believed; nil if there is none.
    ///
    /// - Parameters:
    ///   - limit: the greatest seq that is believed from a single node. A greater one is believed if more than half
    ///     of the replicas have reached it.
    ///   - replicas: the number of replicas.
    func greatestSeq(believing limit: Int64, of replicas: Int) -> Int64? {
      let descending = seqs.sorted(by: >)
      let reached = descending.count > replicas / 2 ? descending[replicas / 2] : limit
      return descending.first { $0 <= max(limit, reached) }
    }
  }
}
