import NodeTime

/// Learns when the neighbours of this node have given it what it should hold. Until then the node is new: where it
/// holds no record, it cannot say that there is none.
///
/// Each neighbour offers its part of the records in a pass of its own (`HandOff`), so that this job waits for all of
/// them. It asks them again and again, because the end of a pass may come at any time.
struct Settling: Job, ~Copyable {
  /// The nodes that have given this node what it should hold, or cannot tell.
  private var settled: Set<NodeID> = []
  private var nextRound: Instant?
  private var pause = Settling.firstPause
  /// The time at which this node counts as settled whatever its neighbours say; nil before it has met any.
  private var end: Instant?

  private static let firstPause: Duration = .milliseconds(100)
  private static let longestPause: Duration = .seconds(30)
  private static let pauseForOthers: Duration = .milliseconds(500)
  /// A neighbour that lies, or can never reach this node, must not keep it from voting for longer.
  private static let longestTime: Duration = .seconds(600)
  /// The most nodes that are remembered.
  private static let capacity = 256

  var nextDeadline: Instant? { nextRound }

  /// Handles the end of the first join. A node that has met no other by then is a network of its own, or finds others
  /// later, and is new until it has.
  mutating func handleJoin(_ now: Instant, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard shared.isNew else { return }
    if shared.table.isEmpty {
      if shared.standing == .onlyNode { settle(&out) }
    } else {
      begin(now)
      check(shared, &out)
    }
  }

  private mutating func begin(_ now: Instant) {
    guard end == nil else { return }
    end = now + Self.longestTime
    nextRound = now
  }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard let due = nextRound, due <= now.monotonic else { return }
    nextRound = nil
    guard shared.isNew else { return }
    if let end, end <= now.monotonic { return settle(&out) }
    nextRound = now.monotonic + pause
    pause = min(pause * 2, Self.longestPause)
    for contact in Self.neighbours(shared) where !settled.contains(contact.id) {
      out.append(
        .send(
          .findNode(target: shared.id.neighbour), to: contact.endpoint, expecting: contact.id,
          owner: .settling))
    }
    check(shared, &out)
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard shared.isNew, shared.isJoined else { return }
    switch change {
    case .added:
      begin(now.monotonic)
      // A node that has just been met is asked soon, together with others that are met now.
      let soon = now.monotonic + Self.pauseForOthers
      nextRound = min(nextRound ?? soon, soon)
    case .removed: check(shared, &out)
    case .returned, .bucketFull: break
    }
  }

  /// Handles the answer of a node that was asked for the nodes near this one.
  ///
  /// - Parameter isHandedOver: whether the node has given this one what it should hold; nil if it does not tell, as
  ///   other implementations and older versions do not.
  mutating func handleAnswer(
    of id: NodeID, isHandedOver: Bool?, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    if isHandedOver ?? true {
      if settled.count < Self.capacity { settled.insert(id) }
    } else {
      settled.remove(id)
    }
    check(shared, &out)
  }

  /// Settles this node if no neighbour has anything left for it.
  private mutating func check(_ shared: borrowing Shared, _ out: inout [Directive]) {
    guard shared.isNew, shared.isJoined, !shared.table.isEmpty else { return }
    if Self.neighbours(shared).allSatisfy({ settled.contains($0.id) }) { settle(&out) }
  }

  private mutating func settle(_ out: inout [Directive]) {
    settled = []
    nextRound = nil
    out.append(.settled)
  }

  /// The nodes that share the holding of records with this node.
  private static func neighbours(_ shared: borrowing Shared) -> [Contact] {
    shared.table.closest(
      to: shared.id, count: 2 * shared.parameters.k, ofEach: shared.identity.families)
  }
}
