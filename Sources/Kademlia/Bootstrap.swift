/// How far a node has come with finding the network, and when it tries again.
struct Bootstrap: Sendable {
  /// Some addresses that are being pinged, and who answered there.
  struct Round: Sendable {
    private(set) var waiting: [Endpoint]
    private(set) var met: [Peer] = []

    init(_ endpoints: [Endpoint]) {
      waiting = endpoints
    }

    var isSettled: Bool { waiting.isEmpty }

    mutating func settled(_ endpoint: Endpoint, met peer: Peer?) {
      // One answer or silence settles an address once, however often it was asked.
      guard let index = waiting.firstIndex(of: endpoint) else { return }
      waiting.remove(at: index)
      if let peer { met.append(peer) }
    }
  }

  /// The first join, which operations wait for.
  enum Join: Sendable {
    case notStarted
    case running(until: Instant)
    case ended
  }

  private var firstBackOff: Duration
  private var longestBackOff: Duration
  var join = Join.notStarted
  /// The bootstrap addresses as last resolved, without our own.
  var addresses: [Endpoint] = []
  /// The addresses asked at the moment; nil while none are.
  var round: Round?
  /// The contacts from before the start that are being asked whether they are still there.
  var reunion = Round([])
  /// How many names could not be looked up: among them may be the one that leads to the network.
  private var unresolved = 0
  /// Since when a lookup of the own ID runs; nil while none does.
  var lookingUpSelfSince: Instant?
  /// Whether there are names to resolve at all.
  var isConfigured = false
  /// Attempts in a row that met nobody.
  private(set) var attempts = 0
  private var backOff: Duration
  private var nextAttempt: Instant?

  init(parameters: Parameters) {
    firstBackOff = parameters.bootstrapBackOff
    longestBackOff = parameters.probeInterval
    backOff = parameters.bootstrapBackOff
  }

  /// Works by other pauses.
  mutating func adopt(_ now: Instant, _ parameters: Parameters) {
    firstBackOff = parameters.bootstrapBackOff
    longestBackOff = parameters.probeInterval
    backOff = min(max(backOff, firstBackOff), longestBackOff)
    if let planned = nextAttempt { nextAttempt = min(planned, now + longestBackOff) }
  }

  var isJoined: Bool {
    if case .ended = join { true } else { false }
  }

  var nextDeadline: Instant? {
    guard case .running(let end) = join else { return nextAttempt }
    return nextAttempt.map { min($0, end) } ?? end
  }

  /// Plans the next attempt, each one twice as far off as the last.
  ///
  /// - Returns: the pause before it; nil where there is nothing to try.
  @discardableResult
  mutating func retry(_ now: Instant) -> Duration? {
    guard isConfigured else { return nil }
    attempts += 1
    let pause = backOff
    nextAttempt = now + pause
    backOff = min(backOff * 2, longestBackOff)
    return pause
  }

  /// There are other names, or none: the addresses of the former ones are tried no more.
  mutating func changed(isConfigured: Bool) {
    self.isConfigured = isConfigured
    addresses = []
    round = nil
    unresolved = 0
    attempts = 0
    backOff = firstBackOff
    nextAttempt = nil
  }

  /// The names were looked up.
  ///
  /// - Parameters:
  ///   - others: their addresses, without our own.
  ///   - isNamed: whether our own was among them.
  ///   - unresolved: how many names have no address at the moment.
  mutating func resolved(_ others: [Endpoint], isNamed: Bool, unresolved: Int) {
    self.unresolved = unresolved
    addresses = others
    round = Round(others)
    if isNamed { forgetOwn() }
  }

  /// An address turned out to be this node's own. If there is no other, this is the first node of a
  /// network, and there is nothing to try again.
  mutating func forget(own endpoint: Endpoint) {
    addresses.removeAll { $0 == endpoint }
    forgetOwn()
  }

  private mutating func forgetOwn() {
    if addresses.isEmpty, unresolved == 0 { isConfigured = false }
  }

  /// Whether an attempt is due; it counts as begun if so.
  mutating func attemptIsDue(_ now: Instant) -> Bool {
    guard let attempt = nextAttempt, attempt <= now else { return false }
    nextAttempt = nil
    return true
  }

  /// Whether names wait for being looked up, whomever this node knows by now.
  var hasUnresolved: Bool { unresolved > 0 }

  /// The table has contacts: no attempt is needed but for names that have no address yet, and the next
  /// series starts afresh.
  mutating func succeeded(_ now: Instant) {
    // One that is planned stays: newcomers, each of which comes by here, must not put it off.
    nextAttempt = hasUnresolved ? nextAttempt ?? now + longestBackOff : nil
    attempts = 0
    backOff = firstBackOff
  }
}
