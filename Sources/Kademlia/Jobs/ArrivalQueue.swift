import NodeTime

/// Nodes that have arrived or left and wait for a pass through the records, and nodes that arrived lately.
struct ArrivalQueue: Sendable {
  /// A pass that is due.
  enum Due {
    /// The cause of a pass that should begin.
    case cause(HandOffPass.Cause)
    /// An interrupted pass that should continue.
    case rest(HandOffPass)
  }

  /// A node that waits for its pass, or for the rest of it.
  private struct Recipient {
    var peer: Peer
    var due: Instant
    /// The interrupted pass; nil if no pass has begun.
    var rest: HandOffPass?
  }

  /// Nodes that arrived lately, the latest last. They may not have their records yet, so that nobody relies
  /// on them to pass records on.
  private var newcomers: [(id: NodeID, since: Instant)] = []
  /// Until this time every node met counts as older than this one: this node is the newcomer.
  private var startEnds: Instant?
  private var recipients: [Recipient] = []
  private var departed: [(id: NodeID, due: Instant)] = []
  /// The times at which the passes for nodes began, the latest last.
  private var began: [(id: NodeID, time: Instant)] = []
  /// The times at which the passes for nodes ended, the latest last.
  private var ended: [(id: NodeID, time: Instant)] = []

  /// Nodes that arrive together are served together.
  private static let firstPause: Duration = .seconds(1)
  /// A node that has left may soon return, and others may leave with it.
  private static let pauseAfterDeparture: Duration = .seconds(10)
  /// The shortest time between two passes for a node that arrives by itself, and before an interrupted pass
  /// continues.
  static let shortestInterval: Duration = .seconds(60)
  /// The shortest time between two passes for a node that is new, and has just been started again.
  private static let intervalOfNewNodes: Duration = .seconds(2)
  /// A node counts as a newcomer for this long. The other newcomers near it have arrived by then, too.
  private static let newcomerTime: Duration = .seconds(10 * 60)
  /// For this long after its start, a node meets nodes that were there before it.
  private static let startTime: Duration = .seconds(60)
  /// A node that was unresponsive this often in one pass is not offered the rest.
  private static let mostSilences = 5
  /// The last offers of a pass are answered, and their records stored, within this time.
  private static let timeOfLastOffers: Duration = .seconds(1)
  private static let capacity = 256

  /// The time at which the first pass is due; nil if none is.
  var nextDeadline: Instant? { (recipients.map(\.due) + departed.map(\.due)).min() }

  /// Notes the start of this node.
  mutating func start(_ now: Instant) { startEnds = now + Self.startTime }

  /// Handles a node that has entered the routing table.
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

  /// Handles a contact that has left the routing table.
  mutating func handleDeparture(_ now: Instant, of id: NodeID) {
    recipients.removeAll { $0.peer.id == id }
    newcomers.removeAll { $0.id == id }
    guard departed.count < Self.capacity else { return }
    departed.append((id, now + Self.pauseAfterDeparture))
  }

  /// Enqueues a pass for a node.
  ///
  /// - Parameter interval: the least time since its last pass began.
  mutating func enqueue(_ now: Instant, _ peer: Peer, notBefore interval: Duration) {
    var due = now + Self.firstPause
    if let last = began.last(where: { $0.id == peer.id }) { due = max(due, last.time + interval) }
    if let index = recipients.firstIndex(where: { $0.peer.id == peer.id }) {
      // The node may have missed something since the pass was interrupted: the next pass is a whole one.
      recipients[index] = Recipient(peer: peer, due: min(recipients[index].due, due))
    } else if recipients.count < Self.capacity {
      recipients.append(Recipient(peer: peer, due: due))
    }
  }

  /// Enqueues the rest of an interrupted pass, unless its node was unresponsive too often.
  mutating func enqueue(_ now: Instant, rest: HandOffPass, of peer: Peer) {
    guard rest.silences < Self.mostSilences, recipients.count < Self.capacity,
      !recipients.contains(where: { $0.peer.id == peer.id })
    else { return }
    recipients.append(Recipient(peer: peer, due: now + Self.shortestInterval, rest: rest))
  }

  /// Returns whether a node arrived so lately that it may not have its records yet.
  func isNewcomer(_ now: Instant, _ id: NodeID) -> Bool {
    newcomers.contains { $0.id == id && now.since($0.since) <= Self.newcomerTime }
  }

  /// Takes out the next pass that is due. Nodes that have left come last, and together.
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

  /// Notes that a pass for a node has begun.
  mutating func noteBegan(_ now: Instant, _ id: NodeID) {
    began.removeAll { $0.id == id }
    began.append((id, now))
    if began.count > Self.capacity { began.removeFirst() }
  }

  /// Brings the pass of a node forward that asks for it: until then the node has no vote.
  mutating func hasten(_ now: Instant, _ id: NodeID) {
    guard let index = recipients.firstIndex(where: { $0.peer.id == id }) else { return }
    let last = began.last { $0.id == id }?.time
    let earliest = max(now, last.map { $0 + Self.intervalOfNewNodes } ?? now)
    recipients[index].due = min(recipients[index].due, earliest)
  }

  /// Notes that a pass for a node has ended.
  mutating func noteEnded(_ now: Instant, _ id: NodeID) {
    ended.removeAll { $0.id == id }
    ended.append((id, now))
    if ended.count > Self.capacity { ended.removeFirst() }
  }

  /// Returns whether a node waits for its pass, or for the last records of one.
  func isWaiting(_ now: Instant, _ id: NodeID) -> Bool {
    recipients.contains { $0.peer.id == id }
      || ended.contains { $0.id == id && now.since($0.time) < Self.timeOfLastOffers }
  }

  /// Returns whether a pass for a node has begun since this node started.
  func hasBegun(_ id: NodeID) -> Bool { began.contains { $0.id == id } }
}
