import DequeModule

/// When a node's upkeep is due, and whom it concerns.
struct Maintenance: Sendable {
  private var parameters: Parameters
  private var nextLiveness: Instant
  private var nextProbe: Instant
  private var nextRefresh: Instant
  private var nextExpiry: Instant
  /// Contacts that left the table, the latest last.
  private(set) var lostContacts: [Peer] = []
  /// Buckets to be refreshed, one after the other.
  private var refreshQueue: Deque<Int> = []
  /// Whom we pinged of our own accord lately, oldest first.
  private var recentPings: Deque<(peer: NodeID, time: Instant)> = []

  var refreshRandom: JobRandom
  var probeRandom: JobRandom
  private var livenessRandom: JobRandom
  private var expiryRandom: JobRandom

  init(_ now: Instant, parameters: Parameters, seed: UInt64) {
    self.parameters = parameters
    refreshRandom = JobRandom(seed: seed, .refresh)
    probeRandom = JobRandom(seed: seed, .partitionProbe)
    livenessRandom = JobRandom(seed: seed, .liveness)
    expiryRandom = JobRandom(seed: seed, .expiry)
    nextLiveness = now + parameters.livenessInterval
    nextProbe = now + parameters.probeInterval
    nextRefresh = now + parameters.refreshInterval
    nextExpiry = now + parameters.expiryInterval
  }

  /// Works by other intervals: what was planned comes no later than they say.
  mutating func adopt(_ now: Instant, _ new: Parameters) {
    parameters = new
    nextLiveness = min(nextLiveness, now + new.livenessInterval)
    nextProbe = min(nextProbe, now + new.probeInterval)
    nextRefresh = min(nextRefresh, now + new.refreshInterval)
    nextExpiry = min(nextExpiry, now + new.expiryInterval)
    if lostContacts.count > new.lostContacts {
      lostContacts.removeFirst(lostContacts.count - new.lostContacts)
    }
  }

  var nextDeadline: Instant {
    min(min(nextLiveness, nextProbe), min(nextRefresh, nextExpiry))
  }

  // MARK: - What is due

  func livenessIsDue(_ now: Instant) -> Bool { nextLiveness <= now }

  mutating func planLiveness(_ now: Instant, inDoubt: Bool) {
    let interval = inDoubt ? parameters.livenessIntervalInDoubt : parameters.livenessInterval
    nextLiveness = now + livenessRandom.jittered(interval)
  }

  /// A contact has stopped to answer: it is asked again soon.
  mutating func doubt(_ now: Instant) {
    nextLiveness = min(nextLiveness, now + parameters.livenessIntervalInDoubt)
  }

  mutating func probeIsDue(_ now: Instant) -> Bool {
    guard nextProbe <= now else { return false }
    nextProbe = now + probeRandom.jittered(parameters.probeInterval)
    return true
  }

  mutating func expiryIsDue(_ now: Instant) -> Bool {
    guard nextExpiry <= now else { return false }
    nextExpiry = now + expiryRandom.jittered(parameters.expiryInterval)
    return true
  }

  /// There was more that has expired than goes at once.
  mutating func expiryGoesOn(_ now: Instant) { nextExpiry = min(nextExpiry, now + .seconds(1)) }

  /// Whether buckets should be looked through for stale ones.
  mutating func refreshIsDue(_ now: Instant) -> Bool { nextRefresh <= now }

  mutating func planRefresh(at time: Instant) {
    nextRefresh = time
  }

  // MARK: - Refresh

  mutating func enqueueRefresh(of buckets: some Sequence<Int>) {
    for bucket in buckets where !refreshQueue.contains(bucket) { refreshQueue.append(bucket) }
  }

  mutating func nextBucketToRefresh() -> Int? { refreshQueue.popFirst() }

  // MARK: - Lost contacts

  mutating func lost(_ peer: Peer) {
    lostContacts.removeAll { $0.id == peer.id }
    lostContacts.append(peer)
    if lostContacts.count > parameters.lostContacts { lostContacts.removeFirst() }
  }

  /// A node is in the table again.
  ///
  /// - Returns: whether it had been lost.
  mutating func found(_ id: NodeID) -> Bool {
    guard let index = lostContacts.firstIndex(where: { $0.id == id }) else { return false }
    lostContacts.remove(at: index)
    return true
  }

  // MARK: - Pings to strangers

  /// Whether a node may be pinged on somebody else's account: once within the time that the answer
  /// may take, and not too many at once. It counts as pinged if so.
  mutating func mayPing(_ now: Instant, _ id: NodeID) -> Bool {
    while let oldest = recentPings.first, oldest.time + parameters.rpcTimeout <= now {
      recentPings.removeFirst()
    }
    guard recentPings.count < parameters.verifications,
      !recentPings.contains(where: { $0.peer == id })
    else { return false }
    recentPings.append((id, now))
    return true
  }

  /// A ping of that kind was answered or is late: it makes room for another, so that a crowd of
  /// senders that do not answer keeps nobody out for long.
  mutating func pingSettled(_ id: NodeID) {
    recentPings.removeAll { $0.peer == id }
  }
}
