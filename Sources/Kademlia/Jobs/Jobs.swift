import NodeTime

/// All jobs of a node. A new job needs a file, a case of `QueryOwner` if it sends queries, and a row in each
/// of the lists here. The compiler asks for all rows but that of `nextDeadline`.
struct Jobs: ~Copyable {
  var join: Join
  var rejoin = Rejoin()
  var liveness: Liveness
  var partitionProbe: PartitionProbe
  var refresh: Refresh
  var expiry: Expiry
  var replication: Replication
  var handOff = HandOff()
  var settling = Settling()
  var verification = Verification()
  var identityProofs: IdentityProofs

  /// - Parameter seed: 64 random bits, from which each job has a stream of its own.
  init(_ now: Instant, _ shared: borrowing Shared, seed: UInt64) {
    let parameters = shared.parameters
    join = Join(parameters)
    liveness = Liveness(now, parameters, seed: seed)
    partitionProbe = PartitionProbe(now, parameters, seed: seed)
    refresh = Refresh(now, parameters, seed: seed)
    expiry = Expiry(now, parameters, seed: seed)
    replication = Replication(now, parameters, progress: shared.records.progress, seed: seed)
    identityProofs = IdentityProofs(bound: shared.identity.endpoints)
  }

  /// The jobs in the order in which they act.
  enum Kind: CaseIterable, Sendable {
    case join, liveness, partitionProbe, refresh, expiry, replication, handOff, settling, rejoin,
      verification, identityProofs
  }

  /// A call that every job gets.
  enum Call: Sendable {
    case advance
    case routingChanged(RoutingChange)
    case parametersChanged
  }

  /// Makes a call to one job.
  mutating func tell(
    _ kind: Kind, _ call: Call, _ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch kind {
    case .join: Self.tell(&join, call, now, shared, &out)
    case .liveness: Self.tell(&liveness, call, now, shared, &out)
    case .partitionProbe: Self.tell(&partitionProbe, call, now, shared, &out)
    case .refresh: Self.tell(&refresh, call, now, shared, &out)
    case .expiry: Self.tell(&expiry, call, now, shared, &out)
    case .replication: Self.tell(&replication, call, now, shared, &out)
    case .handOff: Self.tell(&handOff, call, now, shared, &out)
    case .settling: Self.tell(&settling, call, now, shared, &out)
    case .rejoin: Self.tell(&rejoin, call, now, shared, &out)
    case .verification: Self.tell(&verification, call, now, shared, &out)
    case .identityProofs: Self.tell(&identityProofs, call, now, shared, &out)
    }
  }

  private static func tell<J: Job & ~Copyable>(
    _ job: inout J, _ call: Call, _ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch call {
    case .advance: job.advance(now, shared, &out)
    case .routingChanged(let change): job.routingChanged(now, change, shared, &out)
    case .parametersChanged: job.parametersChanged(now.monotonic, shared)
    }
  }

  /// The time at which the first job must be advanced; nil if none must.
  var nextDeadline: Instant? {
    var next: Instant?
    func include(_ deadline: Instant?) {
      guard let deadline else { return }
      next = next.map { min($0, deadline) } ?? deadline
    }
    include(join.nextDeadline)
    include(liveness.nextDeadline)
    include(partitionProbe.nextDeadline)
    include(refresh.nextDeadline)
    include(expiry.nextDeadline)
    include(replication.nextDeadline)
    include(handOff.nextDeadline)
    include(settling.nextDeadline)
    return next
  }

  /// Gives an event of a query to the job that owns the query, if there is one.
  mutating func handle(
    _ now: Now, _ event: QueryEvent, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch event.query.owner {
    case .operation, .ping, .copy: break
    case .handOff(let purpose): handOff.handle(now, event, of: purpose, shared, &out)
    case .identityProofs: identityProofs.handle(now, event, of: (), shared, &out)
    case .join(let purpose): join.handle(now, event, of: purpose, shared, &out)
    case .liveness: liveness.handle(now, event, of: (), shared, &out)
    case .partitionProbe(let purpose): partitionProbe.handle(now, event, of: purpose, shared, &out)
    case .rejoin: rejoin.handle(now, event, of: (), shared, &out)
    case .settling: settling.handle(now, event, of: (), shared, &out)
    case .verification: verification.handle(now, event, of: (), shared, &out)
    }
  }
}
