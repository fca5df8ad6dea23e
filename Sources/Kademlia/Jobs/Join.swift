import NodeTime

/// Finds the network and this node's place in it. It pings the bootstrap addresses, looks this node's own ID
/// up through the nodes that answer (paper, section 2.3), and tries again if none does.
struct Join: Job, ~Copyable {
  enum Purpose: Sendable {
    /// A ping to a bootstrap address.
    case bootstrap
    /// A ping to an address that a user named.
    case requested(OperationID)
  }

  private enum Stage {
    case notStarted
    case running(until: Instant)
    case ended
  }

  private var stage = Stage.notStarted
  /// True if any bootstrap names are configured.
  private var isConfigured = false
  /// True if the user has said that the nodes at the bootstrap names are gone.
  private(set) var isForgotten = false
  /// The bootstrap addresses that are being asked; nil while none are.
  private var round: AddressRound?
  /// True if contacts from before the start are being asked. An attempt ends only when they are settled, too.
  private var isRejoining = false
  /// The number of names that could not be looked up. One of them may be the one that leads to the network.
  private var unresolved = 0
  /// The time at which the lookup of this node's own ID began; nil while none runs.
  private var selfLookupBegan: Instant?
  /// The addresses that are this node's own: queries to them came back to it.
  private var ownAddresses: [Endpoint] = []
  private var backOff: BackOff

  /// The addresses at which another node has answered with this node's ID. Each is reported once.
  private var duplicates: [Endpoint] = []

  /// The most own addresses that are remembered, and the most duplicates.
  private static let rememberedOwnAddresses = 8
  private var requests: [OperationID: (round: AddressRound, outcome: BootstrapOutcome)] = [:]

  init(_ parameters: Parameters) {
    backOff = BackOff(first: parameters.bootstrapBackOff, longest: parameters.probeInterval)
  }

  /// True if the bootstrap names should lead to other nodes.
  var expectsOthers: Bool { isConfigured && !isForgotten }

  var nextDeadline: Instant? {
    guard case .running(let end) = stage else { return backOff.nextAttempt }
    return backOff.nextAttempt.map { min($0, end) } ?? end
  }

  // MARK: - The first join

  /// Begins the first join, once the sockets are bound.
  ///
  /// - Parameters:
  ///   - isForgotten: whether the user has said before the start that the nodes at the bootstrap names are gone.
  ///   - isRejoining: whether contacts from before the start are asked.
  mutating func start(
    _ now: Instant, hasBootstrap: Bool, isForgotten: Bool, isRejoining: Bool, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    isConfigured = hasBootstrap
    self.isForgotten = isForgotten
    self.isRejoining = isRejoining
    stage = .running(until: now + shared.parameters.joinTimeout)
    if hasBootstrap {
      out.append(.resolveBootstrap)
    } else {
      round = AddressRound([])
      endRound(now, shared, &out)
    }
  }

  /// Handles the end of the pings to contacts from before the start: all have answered or been given up.
  mutating func handleRejoinSettled(
    _ now: Instant, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    isRejoining = false
    endRound(now, shared, &out)
  }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    if case .running(let end) = stage, end <= now.monotonic { endJoin(&out) }
    if backOff.tryBegin(now.monotonic), shared.table.isEmpty || unresolved > 0 {
      out.append(.resolveBootstrap)
    }
  }

  private mutating func endRound(_ now: Instant, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard let round, round.isSettled, !isRejoining else { return }
    self.round = nil
    guard shared.table.isEmpty else { return handleSuccess(now) }
    if let pause = retry(now) {
      out.append(.notice(.bootstrapUnanswered(attempt: backOff.attempts, retryAfter: pause)))
    }
    // A name that cannot be looked up yet may lead to the network. The join timeout ends the wait for it.
    if unresolved == 0 { endJoin(&out) }
  }

  private mutating func endJoin(_ out: inout [Directive]) {
    guard case .running = stage else { return }
    stage = .ended
    out.append(.joinEnded)
  }

  // MARK: - Bootstrap names and addresses

  /// Handles a change of the bootstrap names. The addresses of the former names are dropped.
  mutating func bootstrapChanged(hasBootstrap: Bool, _ out: inout [Directive]) {
    isConfigured = hasBootstrap
    isForgotten = false
    round = nil
    unresolved = 0
    backOff.reset()
    out.append(.setBootstrapAddresses([]))
    if hasBootstrap { out.append(.resolveBootstrap) }
  }

  /// Handles the result of looking the names up.
  ///
  /// - Parameters:
  ///   - endpoints: the addresses of the names that have any.
  ///   - unresolved: the number of names that have none at the moment.
  mutating func bootstrapResolved(
    _ now: Instant, _ endpoints: [Endpoint], unresolved: Int, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    self.unresolved = unresolved
    // A name may have addresses that this node cannot send to.
    var usable: [Endpoint] = []
    for endpoint in endpoints where shared.canSend(to: endpoint) { usable.append(endpoint) }
    let own = shared.identity.endpoints
    let others = usable.filter { !own.contains($0) }
    let asked = Array(others.prefix(shared.parameters.bootstrapAddresses))
    round = AddressRound(asked)
    if others.count < usable.count { forgetOwn(others: asked) }
    out.append(.setBootstrapAddresses(asked))
    for endpoint in asked {
      out.append(.send(.ping, to: endpoint, expecting: nil, owner: .join(.bootstrap)))
    }
    endRound(now, shared, &out)
  }

  /// A list that names only this node is that of the first node of a network: there is nothing to retry.
  private mutating func forgetOwn(others: [Endpoint]) {
    if others.isEmpty, unresolved == 0 { isConfigured = false }
  }

  /// Handles that the user has said that the nodes at the bootstrap names are gone. They are asked all the same, and
  /// count again once this node meets another.
  mutating func forget() { isForgotten = isConfigured }

  /// Handles a query of this node that has come back to it: the address is its own.
  mutating func handleOwnQuery(to endpoint: Endpoint) {
    guard !ownAddresses.contains(endpoint) else { return }
    ownAddresses.append(endpoint)
    if ownAddresses.count > Self.rememberedOwnAddresses { ownAddresses.removeFirst() }
  }

  private mutating func retry(_ now: Instant) -> Duration? {
    isConfigured ? backOff.plan(now) : nil
  }

  private mutating func handleSuccess(_ now: Instant) {
    backOff.handleSuccess(now, hasMore: unresolved > 0)
  }

  // MARK: - Requests of users

  /// Pings the addresses that a user named and, if any node answers, finds the others through it.
  mutating func bootstrap(
    _ now: Instant, _ endpoints: [Endpoint], for operation: OperationID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    requests[operation] = (AddressRound(endpoints), BootstrapOutcome(patience: shared.parameters.rpcTimeout))
    for endpoint in endpoints {
      out.append(.send(.ping, to: endpoint, expecting: nil, owner: .join(.requested(operation))))
    }
    endRequest(now, operation, shared, &out)
  }

  private mutating func endRequest(
    _ now: Instant, _ operation: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard let request = requests[operation], request.round.isSettled else { return }
    requests[operation] = nil
    if !request.outcome.met.isEmpty { lookUpSelf(now, shared, &out) }
    out.append(.finish(operation, .bootstrap(request.outcome)))
  }

  // MARK: - Answers

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch purpose {
    case .bootstrap:
      switch event.kind {
      case .late, .timedOut: return
      case .answered(let answer) where answer.peer.id == shared.id:
        // The address stays in the list: another node may answer there later.
        if ownAddresses.contains(event.query.endpoint) {
          forgetOwn(others: shared.bootstrapAddresses.filter { !ownAddresses.contains($0) })
        } else if !duplicates.contains(event.query.endpoint) {
          duplicates.append(event.query.endpoint)
          if duplicates.count > Self.rememberedOwnAddresses { duplicates.removeFirst() }
          out.append(.notice(.duplicateID(at: event.query.endpoint)))
        }
      case .unresponsive, .answered, .forged, .refused, .replaced: break
      }
      round?.settle(event.query.endpoint)
      endRound(now.monotonic, shared, &out)
    case .requested(let operation):
      let endpoint = event.query.endpoint
      switch event.kind {
      // A user who joins through a stranger waits as long as for a ping: the stranger may be far away.
      case .late, .unresponsive: return
      case .answered, .forged, .refused, .replaced, .timedOut: break
      }
      guard requests[operation]?.round.settle(endpoint) == true else { return }
      switch event.kind {
      case .answered(let answer) where answer.peer.id != shared.id:
        requests[operation]?.outcome.met.append(answer.peer)
      case .answered:
        let isOwn = ownAddresses.contains(endpoint) || shared.identity.endpoints.contains(endpoint)
        if isOwn {
          requests[operation]?.outcome.own.append(endpoint)
        } else {
          requests[operation]?.outcome.duplicates.append(endpoint)
        }
      default: requests[operation]?.outcome.unanswered.append(endpoint)
      }
      endRequest(now.monotonic, operation, shared, &out)
    }
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch change {
    case .added(_, let isFirst, let owner, _):
      isForgotten = false
      handleSuccess(now.monotonic)
      // Through the new contact this node finds its neighbours, and they find this node.
      if Self.looksUpSelf(isFirst: isFirst, owner, shared) { lookUpSelf(now.monotonic, shared, &out) }
    case .removed where shared.table.isEmpty:
      out.append(.notice(.isolated))
      _ = retry(now.monotonic)
    case .removed, .returned, .bucketFull: break
    }
  }

  // MARK: - The lookup of this node's own ID

  /// Returns whether this node looks its own ID up because a node has entered the table.
  static func looksUpSelf(isFirst: Bool, _ owner: QueryOwner, _ shared: borrowing Shared) -> Bool {
    if case .join(.bootstrap) = owner { isFirst || shared.isJoined } else { isFirst }
  }

  /// Looks this node's own ID up, unless such a lookup is running.
  mutating func lookUpSelf(_ now: Instant, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard selfLookupBegan == nil else { return }
    selfLookupBegan = now
    out.append(.look(up: shared.id, .join, width: nil))
  }

  /// Handles the end of the lookup of this node's own ID.
  mutating func handleLookupEnd(_ lookup: Lookup, _ shared: borrowing Shared, _ out: inout [Directive]) {
    let began = selfLookupBegan
    selfLookupBegan = nil
    let hasJustStarted: Bool
    if case .ended = stage { hasJustStarted = false } else { hasJustStarted = true }
    // Most contacts that return do so to a network that has not changed otherwise. If one of the closest
    // nodes is new to the table, another part of the network was met.
    var hasNews = hasJustStarted
    if let began, !hasNews {
      for candidate in lookup.closest
      where shared.table.contact(candidate.peer.id).map({ $0.added > began }) ?? true {
        hasNews = true
      }
    }
    guard hasNews else { return }
    endJoin(&out)
    // Refresh all buckets further away than the closest neighbour (paper, section 2.3).
    out.append(.refresh(0..<(shared.table.deepest ?? 0)))
    // The nodes that may have to offer this node what it missed share the neighbourhood of a record with it.
    // They lie up to four times as far away as its own neighbourhood.
    if hasJustStarted { out.append(.look(up: shared.id, .announce, width: shared.parameters.k * 4)) }
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    backOff.adopt(now, first: shared.parameters.bootstrapBackOff, longest: shared.parameters.probeInterval)
  }
}
