import NodeTime

/// Nodes that have come or left and wait for a pass through the records, and nodes that came lately.
struct ArrivalQueue: Sendable {
  /// What is due.
  enum Due {
    /// A pass that is to begin.
    case cause(HandOffPass.Cause)
    /// A pass that was broken off and goes on.
    case rest(HandOffPass)
  }

  /// A node that waits for its pass, or for the rest of it.
  private struct Recipient {
    var peer: Peer
    var due: Instant
    /// Its pass as it was broken off; nil if it has not begun.
    var rest: HandOffPass?
  }

  /// Nodes that came lately, the latest last: what they should hold they may not have yet, so that nobody
  /// relies upon them to pass it on.
  private var newcomers: [(id: NodeID, since: Instant)] = []
  /// Until when whoever this node meets has been there before it: it is this node that comes, and not they.
  private var startEnds: Instant?
  private var recipients: [Recipient] = []
  private var departed: [(id: NodeID, due: Instant)] = []
  /// When passes for whom began, the latest last.
  private var began: [(id: NodeID, time: Instant)] = []

  /// Nodes that come together are served together.
  private static let firstPause: Duration = .seconds(1)
  /// A node that has left may be about to come back, and others may leave with it.
  private static let pauseAfterDeparture: Duration = .seconds(10)
  /// Between two passes for one node that comes by its own account, and before a pass goes on that was broken
  /// off.
  static let shortestInterval: Duration = .seconds(60)
  /// How long a node counts as a newcomer: the others of its kind have come by then, too.
  private static let newcomerTime: Duration = .seconds(10 * 60)
  /// How long after its start a node meets those that were there before it.
  private static let startTime: Duration = .seconds(60)
  /// A node that is unresponsive so often in one pass is not offered the rest.
  private static let mostSilences = 5
  private static let capacity = 256

  /// When the first pass is due; nil if none is.
  var nextDeadline: Instant? { (recipients.map(\.due) + departed.map(\.due)).min() }

  /// This node starts.
  mutating func start(_ now: Instant) { startEnds = now + Self.startTime }

  /// A node has entered the routing table.
  ///
  /// - Parameter isOffered: whether there may be records for it.
  mutating func handleArrival(_ now: Instant, of peer: Peer, isOffered: Bool) {
    let id = peer.id
    departed.removeAll { $0.id == id }
    if let startEnds, now <= startEnds { return }
    newcomers.removeAll { $0.id == id || now.since($0.since) > Self.newcomerTime }
    newcomers.append((id, now))
    if newcomers.count > Self.capacity { newcomers.removeFirst() }
    if isOffered { enqueue(now, peer, notBefore: Self.shortestInterval) }
  }

  /// A contact has left the routing table.
  mutating func handleDeparture(_ now: Instant, of id: NodeID) {
    recipients.removeAll { $0.peer.id == id }
    newcomers.removeAll { $0.id == id }
    guard departed.count < Self.capacity else { return }
    departed.append((id, now + Self.pauseAfterDeparture))
  }

  /// Has a pass begin for a node.
  ///
  /// - Parameter interval: the least time since its last pass began.
  mutating func enqueue(_ now: Instant, _ peer: Peer, notBefore interval: Duration) {
    var due = now + Self.firstPause
    if let last = began.last(where: { $0.id == peer.id }) { due = max(due, last.time + interval) }
    if let index = recipients.firstIndex(where: { $0.peer.id == peer.id }) {
      // It may have missed something since the pass that was broken off: the next is a whole one.
      recipients[index] = Recipient(peer: peer, due: min(recipients[index].due, due))
    } else if recipients.count < Self.capacity {
      recipients.append(Recipient(peer: peer, due: due))
    }
  }

  /// Has a pass that was broken off go on later, unless its node was unresponsive too often.
  mutating func enqueue(_ now: Instant, rest: HandOffPass, of peer: Peer) {
    guard rest.silences < Self.mostSilences, recipients.count < Self.capacity,
      !recipients.contains(where: { $0.peer.id == peer.id })
    else { return }
    recipients.append(Recipient(peer: peer, due: now + Self.shortestInterval, rest: rest))
  }

  /// Whether a node came so lately that it may not have what it should hold.
  func isNewcomer(_ now: Instant, _ id: NodeID) -> Bool {
    newcomers.contains { $0.id == id && now.since($0.since) <= Self.newcomerTime }
  }

  /// Takes out the next that is due; nodes that have left come last, and together.
  mutating func popDue(_ now: Instant) -> Due? {
    let due = recipients.indices.filter { recipients[$0].due <= now }
    guard let index = due.min(by: { recipients[$0].due < recipients[$1].due }) else {
      let gone = departed.filter { $0.due <= now }.map(\.id)
      departed.removeAll { $0.due <= now }
      return gone.isEmpty ? nil : .cause(.departure(gone))
    }
    let recipient = recipients.remove(at: index)
    return recipient.rest.map(Due.rest) ?? .cause(.arrival(recipient.peer))
  }

  /// A pass for a node has begun.
  mutating func noteBegan(_ now: Instant, _ id: NodeID) {
    began.removeAll { $0.id == id }
    began.append((id, now))
    if began.count > Self.capacity { began.removeFirst() }
  }
}
