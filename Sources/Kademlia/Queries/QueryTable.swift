import HeapModule
import NodeTime

/// The queries that wait for an answer, and when each of them is late (paper, section 2.3; the
/// soft timeouts are ours).
struct QueryTable: Sendable {
  /// What a query has been through. fresh → resent → silent; an answer ends it from each.
  enum Stage: Hashable, Sendable {
    /// Sent once.
    case fresh
    /// Past its first soft timeout, and sent once more.
    case resent
    /// Past its second: nobody waits any longer, but an answer still counts.
    case silent
  }

  struct Pending: Sendable {
    /// Who should answer; nil where only an address is known.
    let peer: NodeID?
    let endpoint: Endpoint
    /// The address of the other family to which it is sent again.
    let alternate: Endpoint?
    let method: Query.Method
    let owner: QueryOwner
    let sent: Instant
    /// How long it may take before it is sent once more.
    let softTimeout: Duration
    /// How long it may take after that before nobody waits any longer.
    let secondTimeout: Duration
    /// What its answer is to prove an identity by.
    var nonce: Nonce?
    fileprivate(set) var stage = Stage.fresh
    /// Something came that said to answer it and was no message.
    fileprivate(set) var isSpoilt = false
  }

  /// What became due.
  enum Due: Sendable {
    case late(UInt32, Pending)
    case unresponsive(Pending)
    case timedOut(Pending)
  }

  private struct Deadline: Comparable {
    let time: Instant
    let transaction: UInt32

    static func < (left: Deadline, right: Deadline) -> Bool {
      left.time != right.time ? left.time < right.time : left.transaction < right.transaction
    }
  }

  /// After this long a query has failed.
  var rpcTimeout: Duration
  private var pending: [UInt32: Pending] = [:]
  /// One entry for each pending query; those of answered queries stay until they surface.
  private var deadlines: Heap<Deadline> = []

  /// The node's own source: transaction numbers and nonces must not be guessed.
  private var random: any RandomNumberGenerator & Sendable

  init(rpcTimeout: Duration, random: any RandomNumberGenerator & Sendable) {
    self.rpcTimeout = rpcTimeout
    self.random = random
  }

  var count: Int { pending.count }

  /// The owner of a query; nil if none with that number waits.
  func owner(of transaction: UInt32) -> QueryOwner? { pending[transaction]?.owner }

  /// Who should answer a query; nil if none with that number waits, or only an address is known.
  func addressee(of transaction: UInt32) -> NodeID? { pending[transaction]?.peer }

  /// A nonce for a query.
  mutating func makeNonce() -> Nonce { Nonce(random: &random) }

  /// Adds a query and returns its transaction number, which no other pending query has and which nobody
  /// can guess.
  mutating func add(_ query: Pending) -> UInt32 {
    var transaction = UInt32(truncatingIfNeeded: random.next())
    while pending[transaction] != nil { transaction &+= 1 }
    pending[transaction] = query
    deadlines.insert(Deadline(time: query.sent + query.softTimeout, transaction: transaction))
    return transaction
  }

  /// Whether a query waits for an answer from there, and nothing came in its stead that was none.
  func awaits(_ transaction: UInt32, from source: Endpoint) -> Bool {
    guard let query = pending[transaction] else { return false }
    return (source == query.endpoint || source == query.alternate) && !query.isSpoilt
  }

  /// What came from there for a query was no message.
  mutating func spoil(_ transaction: UInt32) {
    pending[transaction]?.isSpoilt = true
  }

  /// Ends the query that an answer belongs to; nil if it belongs to none, or comes from elsewhere
  /// than the query went.
  mutating func take(_ transaction: UInt32, from source: Endpoint) -> Pending? {
    guard let query = pending[transaction], source == query.endpoint || source == query.alternate
    else { return nil }
    pending[transaction] = nil
    // A burst of queries that were all answered leaves deadlines that concern nobody.
    if deadlines.count > 64 + 4 * pending.count { rebuildDeadlines() }
    return query
  }

  private mutating func rebuildDeadlines() {
    deadlines = Heap(deadlines.unordered.filter { pending[$0.transaction] != nil })
  }

  /// When the next query is late; nil if none waits. Forgets the deadlines before that, whose queries
  /// were answered.
  mutating func nextDeadline() -> Instant? {
    while let deadline = deadlines.min {
      if pending[deadline.transaction] != nil { return deadline.time }
      deadlines.removeMin()
    }
    return nil
  }

  /// The next thing that became due by `now`; nil if nothing did.
  mutating func nextDue(_ now: Instant) -> Due? {
    while let deadline = deadlines.min, deadline.time <= now {
      deadlines.removeMin()
      guard var query = pending[deadline.transaction] else { continue }
      switch query.stage {
      case .fresh:
        query.stage = .resent
        pending[deadline.transaction] = query
        let second = min(now + query.secondTimeout, query.sent + rpcTimeout)
        deadlines.insert(Deadline(time: second, transaction: deadline.transaction))
        return .late(deadline.transaction, query)
      case .resent:
        query.stage = .silent
        pending[deadline.transaction] = query
        deadlines.insert(
          Deadline(time: query.sent + rpcTimeout, transaction: deadline.transaction))
        return .unresponsive(query)
      case .silent:
        pending[deadline.transaction] = nil
        return .timedOut(query)
      }
    }
    return nil
  }
}
