/// Who has come, or come back, and should be offered the records that it ought to hold; who has left,
/// so that what it held should be replicated; and how far that has come.
///
/// One pass goes through the records for all that are due at its beginning.
struct HandOffs: Sendable {
  /// A node that is to be offered records.
  private struct Recipient {
    let peer: Peer
    var due: Instant
  }

  /// One way through the records.
  struct Pass: Sendable {
    /// Whom it is for. Those that fall silent drop out.
    fileprivate(set) var recipients: [Peer]
    /// Nodes that have left: what they held is replicated.
    let departed: [NodeID]
    /// How many leading bits a target shares with our ID at least, if its record may be ours to offer.
    let sharedBits: Int
    /// The next record.
    fileprivate(set) var next: RecordID
  }

  /// Between two passes for a contact that had left queries unanswered.
  var interval: Duration
  /// Nodes that came lately, the latest last: what they should hold they may not have yet, so that
  /// nobody relies upon them to pass it on.
  private var newcomers: [(id: NodeID, since: Instant)] = []
  /// Contacts of the time before this node's start: it is this node that comes, and not they.
  private var familiar: [NodeID] = []
  private var recipients: [Recipient] = []
  private var departed: [(id: NodeID, due: Instant)] = []
  /// When passes for whom began, the latest last.
  private var passes: [(id: NodeID, began: Instant)] = []
  private(set) var pass: Pass?
  private var nextStep: Instant?
  /// Offers that nobody has answered yet.
  private(set) var offers = 0

  /// Nodes that come together are served together.
  private static let firstPause: Duration = .seconds(1)
  /// A node that has left may be about to come back, and others may leave with it.
  private static let pauseAfterDeparture: Duration = .seconds(10)
  /// Between two passes for one node that comes by its own account.
  private static let shortestInterval: Duration = .seconds(60)
  /// How long a node counts as a newcomer: the others of its kind have come by then, too.
  private static let newcomerTime: Duration = .seconds(10 * 60)
  private static let capacity = 256
  /// The pause between two steps of a pass.
  static let pause: Duration = .milliseconds(100)
  /// Offers that one step makes at most, and that are under way at most.
  static let offersAtOnce = 32
  /// Records that one step looks at.
  static let recordsAtOnce = 128

  init(interval: Duration) {
    self.interval = interval
  }

  /// When to go on; nil where nothing is to be done.
  var nextDeadline: Instant? { nextStep }

  // MARK: - Who comes

  /// This node starts, and has these contacts from before.
  mutating func isFamiliar(with contacts: [NodeID]) {
    familiar = Array(contacts.prefix(Self.capacity))
  }

  /// A node has entered the routing table.
  ///
  /// - Parameter isOffered: whether there may be records for it.
  mutating func came(_ now: Instant, _ peer: Peer, isOffered: Bool) {
    let id = peer.id
    departed.removeAll { $0.id == id }
    if let index = familiar.firstIndex(of: id) {
      familiar.remove(at: index)
      return
    }
    newcomers.removeAll { $0.id == id || now.since($0.since) > Self.newcomerTime }
    newcomers.append((id, now))
    if newcomers.count > Self.capacity { newcomers.removeFirst() }
    if isOffered { isDue(now, peer, notBefore: Self.shortestInterval) }
  }

  /// A contact has left the routing table, for it does not answer.
  mutating func left(_ now: Instant, _ id: NodeID) {
    recipients.removeAll { $0.peer.id == id }
    newcomers.removeAll { $0.id == id }
    guard departed.count < Self.capacity else { return }
    departed.append((id, now + Self.pauseAfterDeparture))
    plan()
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
    if let last = passes.last(where: { $0.id == peer.id }) { due = max(due, last.began + interval) }
    if let index = recipients.firstIndex(where: { $0.peer.id == peer.id }) {
      recipients[index] = Recipient(peer: peer, due: min(recipients[index].due, due))
    } else if recipients.count < Self.capacity {
      recipients.append(Recipient(peer: peer, due: due))
    }
    plan()
  }

  private mutating func plan() {
    guard pass == nil else { return }
    nextStep = (recipients.map(\.due) + departed.map(\.due)).min()
  }

  /// Whether a node came so lately that it may not have what it should hold.
  func isNewcomer(_ now: Instant, _ id: NodeID) -> Bool {
    newcomers.contains { $0.id == id && now.since($0.since) <= Self.newcomerTime }
  }

  // MARK: - Passes

  /// Takes those that are due for a pass; nil if none are, or one is under way.
  mutating func takeDue(_ now: Instant) -> (recipients: [Peer], departed: [NodeID])? {
    guard pass == nil else { return nil }
    let due = (
      recipients.filter { $0.due <= now }.map(\.peer), departed.filter { $0.due <= now }.map(\.id)
    )
    recipients.removeAll { $0.due <= now }
    departed.removeAll { $0.due <= now }
    plan()
    return due.0.isEmpty && due.1.isEmpty ? nil : due
  }

  /// Begins a pass.
  mutating func begin(
    _ now: Instant, for due: [Peer], departed: [NodeID], sharedBits: Int, at first: RecordID
  ) {
    passes.removeAll { pass in due.contains { $0.id == pass.id } }
    passes += due.map { ($0.id, now) }
    if passes.count > Self.capacity { passes.removeFirst(passes.count - Self.capacity) }
    pass = Pass(recipients: due, departed: departed, sharedBits: sharedBits, next: first)
    nextStep = now
  }

  /// A step was made, and goes on at a record; nil after the last one.
  mutating func stepped(_ now: Instant, next: RecordID?) {
    guard let next, let pass, !pass.recipients.isEmpty || !pass.departed.isEmpty else {
      self.pass = nil
      plan()
      return
    }
    self.pass?.next = next
    nextStep = now + Self.pause
  }

  /// A record is offered.
  mutating func offered() { offers += 1 }

  /// An offer was answered, or is past waiting for.
  mutating func settled() { offers -= 1 }

  /// A recipient does not answer: it is offered no more.
  mutating func dropped(_ id: NodeID) { pass?.recipients.removeAll { $0.id == id } }

  /// How many more offers may be made now.
  var room: Int { max(0, Self.offersAtOnce - offers) }
}
