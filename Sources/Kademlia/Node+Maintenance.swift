/// Joining the network, and upkeep: the jobs that run of themselves.
extension Node {
  // MARK: - Joining

  /// The sockets are bound: begins to join.
  ///
  /// - Parameters:
  ///   - hasBootstrap: whether there are bootstrap names to ask the shell for.
  ///   - remembered: contacts from before the start, the latest first. They count as lost ones, which
  ///     are probed until they are found again or others have taken their place.
  package mutating func start(_ now: Now, hasBootstrap: Bool, remembered: [Peer] = []) {
    bootstrap.isConfigured = hasBootstrap
    bootstrap.join = .running(until: now.monotonic + shared.parameters.joinTimeout)
    let reachable = remembered.prefix(shared.parameters.lostContacts).filter {
      $0.id != id && shared.identity.families.contains(AddressFamilies($0.endpoint.address.family))
    }
    bootstrap.reunion = .init(reachable.map(\.endpoint))
    for peer in reachable.reversed() { maintenance.lost(peer) }
    handOffs.arrive(now.monotonic)
    for peer in reachable {
      send(now, .ping, to: peer.endpoint, expecting: peer.id, for: .reunion)
    }
    if hasBootstrap {
      effects.append(.resolveBootstrap)
    } else {
      bootstrap.round = .init([])
      endBootstrapRound(now)
    }
  }

  /// Whether the first join has ended, so that operations run.
  package var isJoined: Bool { bootstrap.isJoined }

  /// There are other bootstrap names from now on: asks the shell to look them up.
  package mutating func bootstrapChanged(_ now: Now, hasBootstrap: Bool) {
    bootstrap.changed(isConfigured: hasBootstrap)
    if hasBootstrap { effects.append(.resolveBootstrap) }
  }

  /// The bootstrap names were looked up.
  ///
  /// - Parameters:
  ///   - endpoints: the addresses of those that could be.
  ///   - unresolved: how many could not.
  package mutating func bootstrapResolved(
    _ now: Now, _ endpoints: [Endpoint], unresolved: Int = 0
  ) {
    // A name may stand for addresses that this node cannot send to.
    let endpoints = endpoints.filter {
      shared.identity.families.contains(AddressFamilies($0.address.family))
    }
    let others = endpoints.filter { !shared.identity.endpoints.contains($0) }
    // A list that names only this node names the first node of a network: nothing to try again.
    bootstrap.resolved(
      Array(others.prefix(shared.parameters.bootstrapAddresses)), isNamed: others.count < endpoints.count,
      unresolved: unresolved)
    for endpoint in bootstrap.addresses {
      send(now, .ping, to: endpoint, expecting: nil, for: .bootstrap)
    }
    endBootstrapRound(now)
  }

  /// A bootstrap address has answered, or is past waiting for.
  mutating func bootstrapSettled(_ now: Now, _ endpoint: Endpoint) {
    bootstrap.round?.settled(endpoint, met: nil)
    endBootstrapRound(now)
  }

  /// A contact from before the start has answered, or is past waiting for.
  mutating func reunionSettled(_ now: Now, _ endpoint: Endpoint) {
    bootstrap.reunion.settled(endpoint, met: nil)
    endBootstrapRound(now)
  }

  private mutating func endBootstrapRound(_ now: Now) {
    guard let round = bootstrap.round, round.isSettled, bootstrap.reunion.isSettled else { return }
    bootstrap.round = nil
    if shared.table.isEmpty {
      if let pause = bootstrap.retry(now.monotonic) {
        effects.append(
          .notice(.bootstrapUnanswered(attempt: bootstrap.attempts, retryAfter: pause)))
      }
      endJoin(now)
    } else {
      bootstrap.succeeded(now.monotonic)
    }
  }

  private mutating func endJoin(_ now: Now) {
    guard case .running = bootstrap.join else { return }
    bootstrap.join = .ended
    effects.append(.notice(.joined(contacts: shared.table.count)))
    runWaiting(now)
  }

  mutating func carryOnBootstrap(_ now: Now) {
    if case .running(let end) = bootstrap.join, end <= now.monotonic { endJoin(now) }
    if bootstrap.attemptIsDue(now.monotonic), shared.table.isEmpty || bootstrap.hasUnresolved {
      effects.append(.resolveBootstrap)
    }
  }

  /// A node entered the shared.table.
  mutating func met(_ now: Now, _ peer: Peer, isFirst: Bool, for purpose: Purpose) {
    upkeep.nodeCame(now.monotonic)
    let wasLost = maintenance.found(peer.id)
    bootstrap.succeeded(now.monotonic)
    switch purpose {
    case .bootstrap where isJoined, _ where isFirst:
      // Through it we find those next to us, and they find us.
      lookUpSelf(now)
    case .probe,
      _ where wasLost:
      // Most have only been away. A lookup of our own ID by everybody who finds one of them again would be
      // the greater part of all that is sent; and all whom it reached would look for what we missed.
      send(
        now, .findNode(target: id.neighbour), to: peer.endpoint, expecting: peer.id, for: .introduction)
    default:
      break
    }
  }

  /// A contact that was found again tells of the nodes near us that it knows. Some that would be among our
  /// closest, and that we know nothing of, are another part of the network.
  mutating func introduced(_ now: Now, by peer: Peer, to nodes: [Peer]) {
    let closest = shared.table.closest(to: id, count: shared.parameters.k)
    let limit = closest.count < shared.parameters.k ? nil : closest.last.map { id.distance(to: $0.id) }
    let isOfAnotherPart = nodes.contains { node in
      let isClose = limit.map { id.distance(to: node.id) < $0 } ?? true
      return isClose && node.id != id && shared.table.contact(node.id) == nil
        && !maintenance.lostContacts.contains { $0.id == node.id }
    }
    guard isOfAnotherPart else { return }
    effects.append(.notice(.merging(with: peer)))
    lookUpSelf(now)
  }

  /// The lookup by which a node finds its place (paper, section 2.3: joining).
  mutating func lookUpSelf(_ now: Now) {
    guard bootstrap.lookingUpSelfSince == nil else { return }
    // Noted before it runs: one that has nobody to ask ends at once.
    bootstrap.lookingUpSelfSince = now.monotonic
    locate(now, id, .join)
  }

  mutating func selfLookupEnded(_ now: Now, _ lookup: Lookup) {
    let hasJustStarted = !isJoined
    let hasNews = hasJustStarted || hasMetStrangers(lookup)
    bootstrap.lookingUpSelfSince = nil
    // Most contacts that come back do so to a network that has not changed otherwise.
    guard hasNews else { return }
    endJoin(now)
    // All buckets further away than the closest neighbour (paper, section 2.3).
    maintenance.enqueueRefresh(of: 0..<(shared.table.deepest ?? 0))
    refreshNextBucket(now)
    // The nodes that may have to offer it what it missed are those that share a record's neighbourhood
    // with it, and these lie up to four times as far away as its own.
    if hasJustStarted { locate(now, id, .announce, width: shared.parameters.k * 4) }
  }

  /// Whether any of the nodes nearest to this one is new to the table since the lookup began: so it is where
  /// another part of the network was met.
  private func hasMetStrangers(_ lookup: Lookup) -> Bool {
    guard let began = bootstrap.lookingUpSelfSince else { return false }
    return lookup.closest.contains { candidate in
      shared.table.contact(candidate.peer.id).map { $0.added > began } ?? true
    }
  }

  // MARK: - Upkeep

  mutating func maintain(_ now: Now) {
    let time = now.monotonic
    if maintenance.livenessIsDue(time) {
      let doubtful = Array(shared.table.questionable.prefix(shared.parameters.livenessChecks))
      maintenance.planLiveness(time, inDoubt: !doubtful.isEmpty)
      checkLiveness(now, doubtful)
    }
    if maintenance.probeIsDue(time) { probe(now) }
    if maintenance.refreshIsDue(time) { refreshStaleBuckets(now) }
    // A store that hangs is not given the same to do over and over.
    if maintenance.expiryIsDue(time), shared.commits.count < shared.parameters.pendingCommits {
      let limit = shared.parameters.expiredAtOnce
      commit(.removeExpired(at: now.wall, limit: limit), for: .expiry(limit: limit))
    }
  }

  private mutating func checkLiveness(_ now: Now, _ doubtful: [Contact]) {
    var due = doubtful
    if due.isEmpty, let stalest = shared.table.stalest,
      now.monotonic.since(stalest.lastAnswered) >= shared.parameters.livenessInterval / 2
    {
      due = [stalest]
    }
    if let neighbourhood = shared.table.deepestBuckets(holding: 2 * shared.parameters.k) {
      for bucket in neighbourhood {
        due += shared.table.contacts(inBucket: bucket).filter { contact in
          now.monotonic.since(contact.lastAnswered) >= shared.parameters.neighbourInterval
            && !due.contains { $0.id == contact.id }
        }
      }
    }
    for contact in due {
      send(now, .ping, to: contact.endpoint, expecting: contact.id, for: .liveness)
    }
  }

  /// Pings a bootstrap address or a lost contact: so a healed partition merges, whoever was on
  /// which side of it.
  private mutating func probe(_ now: Now) {
    let lost = maintenance.lostContacts
    let choices = bootstrap.addresses.count + lost.count
    guard choices > 0 else { return }
    let choice = Int.random(in: 0..<choices, using: &maintenance.probeRandom)
    if choice < bootstrap.addresses.count {
      send(now, .ping, to: bootstrap.addresses[choice], expecting: nil, for: .probe)
    } else {
      let peer = lost[choice - bootstrap.addresses.count]
      send(now, .ping, to: peer.endpoint, expecting: peer.id, for: .probe)
    }
  }

  private mutating func refreshStaleBuckets(_ now: Now) {
    let stale = now.monotonic + (.zero - shared.parameters.refreshInterval)
    var next = now.monotonic + maintenance.refreshRandom.jittered(shared.parameters.refreshInterval)
    let neighbourhood = shared.table.deepestBuckets(holding: 2 * shared.parameters.k)
    if let deepest = shared.table.deepest {
      for bucket in 0...deepest {
        guard let last = shared.table.lastLookup(inBucket: bucket) else { continue }
        if last <= stale {
          if let neighbourhood, neighbourhood.contains(bucket) {
            refresh(now, neighbourhood: neighbourhood)
          } else if !shared.table.isWellKnown(bucket: bucket) {
            maintenance.enqueueRefresh(of: CollectionOfOne(bucket))
          }
        } else {
          next = min(next, last + maintenance.refreshRandom.jittered(shared.parameters.refreshInterval))
        }
      }
    }
    // Not again at once for a bucket that becomes stale while others are refreshed.
    maintenance.planRefresh(at: max(next, now.monotonic + shared.parameters.livenessInterval))
    refreshNextBucket(now)
  }

  /// One wide lookup next to this node goes through all the buckets of its neighbourhood. It does not look
  /// up this node's own ID, by which it would say that it had just come.
  private mutating func refresh(_ now: Now, neighbourhood: ClosedRange<Int>) {
    shared.table.touched(now.monotonic, buckets: neighbourhood)
    let nearest = Distance.random(inBucket: NodeID.bitWidth - 1, using: &maintenance.refreshRandom)
    locate(now, id.at(nearest), .refresh, width: 2 * shared.parameters.k)
  }

  mutating func refreshNextBucket(_ now: Now) {
    guard let bucket = maintenance.nextBucketToRefresh() else { return }
    let distance = Distance.random(inBucket: bucket, using: &maintenance.refreshRandom)
    locate(now, id.at(distance), .refresh)
  }
}
