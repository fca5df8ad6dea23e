import NodeTime

/// What the operations of all kinds do with their lookups.
extension OperationPool {
  /// Chooses how a get goes about its lookup.
  static func prepare(
    _ get: inout GetOperation?, _ random: inout JobRandom, _ shared: borrowing Shared
  ) {
    // Four paths cost a get twice the queries, for it waits for all of them, so that they are for what an
    // adversary gains most by.
    if get?.isGuarded == true || get?.id.kind == .signed {
      get?.lookup.split(into: shared.parameters.disjointPaths)
    }
    // All holders are asked where there are several paths.
    if get?.lookup.pathCount == 1 {
      get?.lookup.spread(within: shared.spreadRadius, salt: random.next())
    }
    get?.extraQueries = shared.extraQueriesOfReads
    // What a put owes a node that may be alive, a read of others that hold the same does not.
    get?.lookup.avoidsQuestionable = true
  }

  /// Gives a lookup the nodes that this one knows, itself among them.
  static func seed<O: Operation>(
    _ operation: inout O?, _ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard let target = operation?.lookup.target, let paths = operation?.lookup.pathCount else { return }
    if let bucket = shared.id.distance(to: target).bucketIndex { out.append(.touch(bucket...bucket)) }
    operation?.lookup.seed(with: shared.firstNodes(for: target, paths: Int(paths)))
    if let kind = operation?.kind {
      let held = shared.held(now, target, kind, unlessNewerThan: nil)
      if let held { _ = operation?.note(held, now, shared.parameters) }
      operation?.lookup.seed(withLocal: shared.localPeer, answer: .init(held: held))
    } else if operation?.wantsLocal == true {
      operation?.lookup.seed(withLocal: shared.localPeer, answer: .init())
    }
  }

  static func search<O: Operation>(
    _ operation: inout O?, as id: OperationID, _ now: Now, _ size: inout SizeEstimate,
    _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    repeat {
      while let candidate = operation?.nextCandidate() {
        // Another lookup may have waited for it since this one heard of it.
        if !candidate.isQuestionable, shared.knowledge(now.monotonic, of: candidate.peer.id).isQuestionable {
          operation?.lookup.markQuestionable(candidate.peer.id)
          continue
        }
        guard let method = operation?.method else { return }
        out.append(
          .send(
            method, to: candidate.peer.endpoint, expecting: candidate.peer.id,
            owner: .operation(id, .lookup)))
      }
    } while operation?.lookup.isFinished == true && tryExtend(&operation, &size, shared)
  }

  /// Has a lookup that has ended by itself go on, if it should.
  ///
  /// - Returns: whether it goes on.
  static func tryExtend<O: Operation>(
    _ operation: inout O?, _ size: inout SizeEstimate, _ shared: borrowing Shared
  ) -> Bool {
    guard let target = operation?.lookup.target, let paths = operation?.lookup.pathCount else { return false }
    guard operation?.lookup.isFull == true else {
      // Too few of those it began with are alive: everybody else we know, the doubtful ones too.
      let all = shared.table.closest(to: target, count: Lookup.capacity) { _ in true }
      return operation?.lookup.seed(with: all) ?? false
    }
    guard paths > 1, operation?.isLocating == true else { return false }
    return operation?.lookup.widenIfCrowded(among: size.nodes(shared.table), k: shared.parameters.k) ?? false
  }

  static func handleAnswer<O: Operation>(
    _ operation: inout O?, _ response: Response, from peer: Peer, after roundTrip: Duration, _ now: Now,
    _ shared: borrowing Shared
  ) {
    let content = operation?.answer(from: response, now, shared.parameters)
    operation?.lookup.answered(peer.id, content ?? nil, nodes: response.nodes, after: roundTrip) {
      shared.canSend(to: $0.endpoint) ? shared.knowledge(now.monotonic, of: $0.id) : nil
    }
  }
}
