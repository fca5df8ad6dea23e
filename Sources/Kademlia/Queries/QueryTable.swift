import HeapModule
import NodeTime

/// The queries that wait for an answer, and their deadlines (paper, section 2.3; the soft timeouts are ours).
struct QueryTable: Sendable {
  /// The stage of a query: fresh → resent → silent. An answer ends the query at any stage.
  enum Stage: Hashable, Sendable {
    /// Sent once.
    case fresh
    /// Past its first soft timeout, and sent once more.
    case resent
    /// Past its second soft timeout: most owners wait no longer, but an answer still counts.
    case silent
  }

  struct Pending: Sendable {
    /// The node that should answer; nil if only an address is known.
    let peer: NodeID?
    let endpoint: Endpoint
    /// The address of the other family to which the query is sent again; nil if there is none.
    let alternate: Endpoint?
    let method: Query.Method
    let owner: QueryOwner
    let sent: Instant
    /// The time before the query is sent once more.
    let softTimeout: Duration
    /// The time after that before the peer counts as unresponsive.
    let secondTimeout: Duration
    /// The nonce that a proof of identity must contain; nil if none is asked for.
    var nonce: Nonce?
    fileprivate(set) var stage = Stage.fresh
    /// True if a datagram came that looked like the answer and was no valid message.
    fileprivate(set) var isSpoilt = false
  }

  /// An event that has become due.
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

  /// The time after which a query has failed.
  var rpcTimeout: Duration
  private var pending: [UInt32: Pending] = [:]
  /// An entry for each pending query. The entries of answered queries stay until they surface.
  private var deadlines: Heap<Deadline> = []

  /// The node's own source: transaction numbers and nonces must not be guessable.
  private var random: any RandomNumberGenerator & Sendable

  init(rpcTimeout: Duration, random: any RandomNumberGenerator & Sendable) {
    self.rpcTimeout = rpcTimeout
    self.random = random
  }

  var count: Int { pending.count }

  /// The owner of a query; nil if no such query waits.
  func owner(of transaction: UInt32) -> QueryOwner? { pending[transaction]?.owner }

  /// The node that should answer a query; nil if no such query waits, or only an address is known.
  func addressee(of transaction: UInt32) -> NodeID? { pending[transaction]?.peer }

  /// The endpoint that a query was sent to; nil if no such query waits.
  func endpoint(of transaction: UInt32) -> Endpoint? { pending[transaction]?.endpoint }

  /// A nonce for a query.
  mutating func makeNonce() -> Nonce { Nonce(random: &random) }

  /// Adds a query.
  ///
  /// - Returns: its transaction number, which no other pending query has and nobody can guess.
  mutating func add(_ query: Pending) -> UInt32 {
    var transaction = UInt32(truncatingIfNeeded: random.next())
    while pending[transaction] != nil { transaction &+= 1 }
    pending[transaction] = query
    deadlines.insert(Deadline(time: query.sent + query.softTimeout, transaction: transaction))
    return transaction
  }

  /// Returns whether a query waits for an answer from an endpoint, and no malformed answer has come.
  func awaits(_ transaction: UInt32, from source: Endpoint) -> Bool {
    guard let query = pending[transaction] else { return false }
    return (source == query.endpoint || source == query.alternate) && !query.isSpoilt
  }

  /// Notes a malformed answer to a query.
  mutating func spoil(_ transaction: UInt32) {
    pending[transaction]?.isSpoilt = true
  }

  /// Ends the query that an answer belongs to; nil if there is none, or if the query went to another
  /// endpoint.
  mutating func take(_ transaction: UInt32, from source: Endpoint) -> Pending? {
    guard let query = pending[transaction], source == query.endpoint || source == query.alternate
    else { return nil }
    pending[transaction] = nil
    // A burst of queries that were all answered leaves deadlines without a query.
    if deadlines.count > 64 + 4 * pending.count { rebuildDeadlines() }
    return query
  }

  private mutating func rebuildDeadlines() {
    deadlines = Heap(deadlines.unordered.filter { pending[$0.transaction] != nil })
  }

  /// The time of the next event; nil if no query waits. Discards earlier deadlines, whose queries were
  /// answered.
  mutating func nextDeadline() -> Instant? {
    while let deadline = deadlines.min {
      if pending[deadline.transaction] != nil { return deadline.time }
      deadlines.removeMin()
    }
    return nil
  }

  /// Takes the next event that is due by `now`; nil if there is none.
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
