/// Who has come, or come back, and should be offered the records that it ought to hold; who has left, so
/// that what it held should be replicated; and how far that has come.
///
/// One pass through the records for each node that came, several at once and each at its own pace, so that
/// one that is slow holds up no other.
struct HandOffs: Sendable {
  /// What a pass through the records is for.
  enum Cause: Sendable {
    /// A node that is to be offered records.
    case arrival(Peer)
    /// Nodes that have left.
    case departure([NodeID])
  }

  /// One way through the records.
  struct Pass: Sendable {
    let cause: Cause
    /// How many leading bits a target shares with our ID at least, if its record may be ours to offer.
    let sharedBits: Int
    /// The next record.
    fileprivate(set) var next: RecordID
    /// Offers that nobody has answered yet.
    fileprivate(set) var offers = 0
    /// How often its node has fallen silent.
    fileprivate var silences = 0

    fileprivate init(cause: Cause, sharedBits: Int, next: RecordID) {
      self.cause = cause
      self.sharedBits = sharedBits
      self.next = next
    }

    fileprivate var recipient: Peer? {
      if case .arrival(let peer) = cause { peer } else { nil }
    }

    /// How many more offers may be made now.
    var room: Int { max(0, HandOffs.offersAtOnce - offers) }
  }

  /// A node that waits for its pass, or for the rest of it.
  private struct Recipient {
    var peer: Peer
    var due: Instant
    /// Where its pass was broken off; nil for one that has not begun.
    var rest: Pass?
  }

  /// Between two passes for a contact that had left queries unanswered.
  var interval: Duration
  /// Nodes that came lately, the latest last: what they should hold they may not have yet, so that
  /// nobody relies upon them to pass it on.
  private var newcomers: [(id: NodeID, since: Instant)] = []
  /// Until when whoever this node meets has been there before it: it is this node that comes, and not they.
  private var arrivalEnds: Instant?
  private var recipients: [Recipient] = []
  private var departed: [(id: NodeID, due: Instant)] = []
  /// When passes for whom began, the latest last.
  private var began: [(id: NodeID, time: Instant)] = []
  private(set) var passes: [Pass] = []
  private var nextStep: Instant?

  /// Nodes that come together are served together.
  private static let firstPause: Duration = .seconds(1)
  /// A node that has left may be about to come back, and others may leave with it.
  private static let pauseAfterDeparture: Duration = .seconds(10)
  /// Between two passes for one node that comes by its own account, and before one goes on that was
  /// broken off.
  private static let shortestInterval: Duration = .seconds(60)
  /// How long a node counts as a newcomer: the others of its kind have come by then, too.
  private static let newcomerTime: Duration = .seconds(10 * 60)
  /// How long after its start a node meets those that were there before it.
  private static let arrivalTime: Duration = .seconds(60)
  /// A node that falls silent so often in one pass is not offered the rest.
  private static let mostSilences = 5
  private static let capacity = 256
  private static let passesAtOnce = 8
  /// The pause between two steps of the passes.
  private static let pause: Duration = .milliseconds(100)
  /// Offers to one node that are under way at most.
  static let offersAtOnce = 32
  /// Records that one step of one pass looks at.
  static let recordsAtOnce = 64

  init(interval: Duration) {
    self.interval = interval
  }

  /// When to go on; nil where nothing is to be done.
  var nextDeadline: Instant? { nextStep }

  /// Offers that nobody has answered yet.
  var offers: Int { passes.reduce(0) { $0 + $1.offers } }

  // MARK: - Who comes and goes

  /// This node starts.
  mutating func arrive(_ now: Instant) {
    arrivalEnds = now + Self.arrivalTime
  }

  /// A node has entered the routing table.
  ///
  /// - Parameter isOffered: whether there may be records for it.
  mutating func came(_ now: Instant, _ peer: Peer, isOffered: Bool) {
    let id = peer.id
    departed.removeAll { $0.id == id }
    if let arrivalEnds, now <= arrivalEnds { return }
    newcomers.removeAll { $0.id == id || now.since($0.since) > Self.newcomerTime }
    newcomers.append((id, now))
    if newcomers.count > Self.capacity { newcomers.removeFirst() }
    if isOffered { isDue(now, peer, notBefore: Self.shortestInterval) }
  }

  /// A contact has left the routing table, for it does not answer.
  mutating func left(_ now: Instant, _ id: NodeID) {
    recipients.removeAll { $0.peer.id == id }
    passes.removeAll { $0.recipient?.id == id }
    newcomers.removeAll { $0.id == id }
    guard departed.count < Self.capacity else { return }
    departed.append((id, now + Self.pauseAfterDeparture))
    plan(now)
  }

  /// A node has just started, by its own account.
  mutating func announced(_ now: Instant, _ peer: Peer) {
    isDue(now, peer, notBefore: Self.shortestInterval)
  }

  /// A contact that had left a query unanswered is there again.
  mutating func cameBack(_ now: Instant, _ peer: Peer) {
    isDue(now, peer, notBefore: interval)
  }

  private mutating func isDue(_ now: Instant, _ peer: Peer, notBefore interval: Duration) {
    var due = now + Self.firstPause
    if let last = began.last(where: { $0.id == peer.id }) { due = max(due, last.time + interval) }
    if let index = recipients.firstIndex(where: { $0.peer.id == peer.id }) {
      // It may have missed something since the pass that was broken off: the next is a whole one.
      recipients[index] = Recipient(peer: peer, due: min(recipients[index].due, due))
    } else if recipients.count < Self.capacity {
      recipients.append(Recipient(peer: peer, due: due))
    }
    plan(now)
  }

  /// Whether a node came so lately that it may not have what it should hold.
  func isNewcomer(_ now: Instant, _ id: NodeID) -> Bool {
    newcomers.contains { $0.id == id && now.since($0.since) <= Self.newcomerTime }
  }

  // MARK: - Passes

  private mutating func plan(_ now: Instant) {
    guard passes.isEmpty else {
      nextStep = min(nextStep ?? now + Self.pause, now + Self.pause)
      return
    }
    nextStep = (recipients.map(\.due) + departed.map(\.due)).min()
  }

  /// Takes what a pass is due for, if there is room for one; the rest of one that was broken off goes on
  /// by itself.
  mutating func nextDue(_ now: Instant) -> Cause? {
    while passes.count < Self.passesAtOnce {
      let due = recipients.indices.filter { recipients[$0].due <= now }
      guard let index = due.min(by: { recipients[$0].due < recipients[$1].due }) else {
        let gone = departed.filter { $0.due <= now }.map(\.id)
        departed.removeAll { $0.due <= now }
        return gone.isEmpty ? nil : .departure(gone)
      }
      let recipient = recipients.remove(at: index)
      guard let rest = recipient.rest else { return .arrival(recipient.peer) }
      passes.append(rest)
    }
    return nil
  }

  /// Begins a pass.
  mutating func begin(_ now: Instant, _ cause: Cause, sharedBits: Int, at first: RecordID) {
    passes.append(Pass(cause: cause, sharedBits: sharedBits, next: first))
    guard case .arrival(let peer) = cause else { return }
    began.removeAll { $0.id == peer.id }
    began.append((peer.id, now))
    if began.count > Self.capacity { began.removeFirst() }
  }

  /// All passes have made a step.
  ///
  /// - Parameter next: where each goes on; nil for one that is over.
  mutating func stepped(_ now: Instant, next: [RecordID?]) {
    for (index, next) in next.enumerated().reversed() where index < passes.count {
      if let next { passes[index].next = next } else { passes.remove(at: index) }
    }
    nextStep = nil
    plan(now)
  }

  /// A record is offered.
  mutating func offered(to id: NodeID) {
    guard let index = passes.firstIndex(where: { $0.recipient?.id == id }) else { return }
    passes[index].offers += 1
  }

  /// An offer was answered.
  mutating func settled(by id: NodeID) {
    guard let index = passes.firstIndex(where: { $0.recipient?.id == id }) else { return }
    passes[index].offers = max(0, passes[index].offers - 1)
  }

  /// A recipient does not answer: it is offered the rest later.
  mutating func fellSilent(_ now: Instant, _ id: NodeID) {
    guard let index = passes.firstIndex(where: { $0.recipient?.id == id }),
      let peer = passes[index].recipient
    else { return }
    var rest = passes.remove(at: index)
    rest.offers = 0
    rest.silences += 1
    // What was offered and not answered is not known to be there: some records are offered twice.
    guard rest.silences < Self.mostSilences, recipients.count < Self.capacity,
      !recipients.contains(where: { $0.peer.id == id })
    else { return }
    recipients.append(Recipient(peer: peer, due: now + Self.shortestInterval, rest: rest))
    plan(now)
  }
}
