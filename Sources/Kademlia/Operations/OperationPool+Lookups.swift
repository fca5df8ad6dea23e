import NodeTime

/// The handling of lookups, which is the same for operations of all kinds.
extension OperationPool {
  /// Chooses how a get conducts its lookup.
  static func prepare(
    _ get: inout GetOperation?, _ random: inout JobRandom, _ shared: borrowing Shared
  ) {
    // Four paths cost a get twice the queries, because it waits for all of them. They are for the reads that
    // an adversary gains most from.
    if get?.isGuarded == true || get?.id.kind == .signed {
      get?.lookup.split(into: shared.parameters.disjointPaths)
    }
    // With several paths, all holders are asked.
    if get?.lookup.pathCount == 1 {
      get?.lookup.spread(within: shared.spreadRadius, salt: random.next())
    }
    get?.extraQueries = shared.extraQueriesOfReads
    // A put must reach a node that may be alive. A read can use the others that hold the same record.
    get?.lookup.avoidsQuestionable = true
    // A new node cannot say that there is no record. One further away may have a copy.
    get?.lookup.passesOverNewNodes = true
  }

  /// Gives a lookup the nodes that this node knows, including itself.
  static func seed<O: Operation>(
    _ operation: inout O?, _ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard let target = operation?.lookup.target, let paths = operation?.lookup.pathCount else { return }
    if let bucket = shared.id.distance(to: target).bucketIndex { out.append(.touch(bucket...bucket)) }
    let first = shared.firstNodes(for: target, paths: Int(paths))
    if let kind = operation?.kind {
      operation?.lookup.seed(with: first) { $0.isMember(now.monotonic, keeping: kind) }
      operation?.lookup.seed(
        withSilent: shared.silentMembers(now.monotonic, closestTo: target, keeping: kind))
      let held = shared.held(now, target, kind, unlessNewerThan: nil)
      if let held { _ = operation?.note(held, now, shared.parameters) }
      operation?.lookup.seed(
        withLocal: shared.localPeer, answer: .init(held: held, isNew: held == nil && shared.isNew))
    } else {
      operation?.lookup.seed(with: first)
      if operation?.wantsLocal == true {
        operation?.lookup.seed(withLocal: shared.localPeer, answer: .init())
      }
    }
  }

  static func search<O: Operation>(
    _ operation: inout O?, as id: OperationID, _ now: Now, _ size: inout SizeEstimate,
    _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    operation?.believeMajority(now, shared.parameters)
    repeat {
      while let candidate = operation?.nextCandidate() {
        // Another lookup may have waited for this node in vain since this lookup heard of it.
        if !candidate.isQuestionable, shared.isQuestionable(now.monotonic, candidate.peer.id) {
          operation?.lookup.markQuestionable(candidate.peer.id)
          continue
        }
        guard let method = operation?.method else { return }
        out.append(
          .send(
            method, to: candidate.peer.endpoint, expecting: candidate.peer.id,
            owner: .operation(id, .lookup)))
      }
    } while operation?.lookup.isFinished == true && tryExtend(&operation, now.monotonic, &size, shared)
  }

  /// Extends a lookup that has ended by itself, if it should go on.
  ///
  /// - Returns: whether it goes on.
  static func tryExtend<O: Operation>(
    _ operation: inout O?, _ now: Instant, _ size: inout SizeEstimate, _ shared: borrowing Shared
  ) -> Bool {
    guard let target = operation?.lookup.target, let paths = operation?.lookup.pathCount else { return false }
    guard operation?.lookup.isFull == true else {
      // Too few of the first nodes are alive: all other contacts are added, even questionable ones.
      let all = shared.table.closest(to: target, count: Lookup.capacity) { _ in true }
      let kind = operation?.kind
      return operation?.lookup.seed(with: all) { contact in
        kind.map { contact.isMember(now, keeping: $0) } ?? false
      } ?? false
    }
    guard paths > 1, operation?.isLocating == true else { return false }
    return operation?.lookup.widenIfCrowded(among: size.nodes(shared.table), k: shared.parameters.k) ?? false
  }

  static func handleAnswer<O: Operation>(
    _ operation: inout O?, _ response: Response, from peer: Peer, after roundTrip: Duration, _ now: Now,
    _ shared: borrowing Shared
  ) {
    let kind = operation?.kind
    let content = operation?.answer(from: response, now, shared.parameters)
    operation?.lookup.answered(
      peer.id, content ?? nil, nodes: response.nodes, lost: response.lost, after: roundTrip
    ) {
      guard shared.canSend(to: $0.endpoint, namedBy: peer.endpoint) else { return nil }
      return shared.knowledge(now.monotonic, of: $0.id, keeping: kind)
    }
  }
}
