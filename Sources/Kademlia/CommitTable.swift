import DequeModule
import NodeTime

/// The changes of the store that a node has asked for and that have not ended.
struct CommitTable: Sendable {
  /// The party that needs the result of a change.
  enum Owner: Sendable {
    /// The node that sent the record is waiting for an answer.
    case answer(TransactionID, Endpoint, seq: Int64)
    /// This node is one of the replicas of its own put.
    case put(OperationID)
    /// A put notes that this node publishes its record.
    case publication(OperationID)
    /// The job that drops expired records, which asked for at most `limit` of them.
    case expiry(limit: Int)
    /// Nobody: the change keeps a copy, or notes how far upkeep has come.
    case nobody

    /// True if a put of this node's users waits for the change.
    var isPut: Bool {
      switch self {
      case .put, .publication: true
      case .answer, .expiry, .nobody: false
      }
    }
  }

  private var owners: [CommitID: Owner] = [:]
  private var last: UInt64 = 0
  /// The changes that a put of this node's users waits for, and their deadlines.
  private var awaited: Deque<(commit: CommitID, deadline: Instant)> = []

  /// The number of changes that have not ended.
  var count: Int { owners.count }

  /// The deadline of the first awaited change; nil if none is awaited.
  var nextDeadline: Instant? { awaited.first?.deadline }

  /// Adds a change.
  ///
  /// - Parameter deadline: the time at which the owner gives the change up; nil if it never does.
  mutating func add(for owner: Owner, deadline: Instant? = nil) -> CommitID {
    last += 1
    let id = CommitID(rawValue: last)
    owners[id] = owner
    if let deadline { awaited.append((id, deadline)) }
    return id
  }

  /// Removes a change that has ended.
  ///
  /// - Returns: its owner; nil if the change is unknown.
  mutating func remove(_ id: CommitID) -> Owner? {
    guard let owner = owners.removeValue(forKey: id) else { return nil }
    while let first = awaited.first, owners[first.commit] == nil { awaited.removeFirst() }
    return owner
  }

  /// The owner of the next change whose deadline has passed. The change itself goes on.
  ///
  /// - Returns: nil if no deadline has passed.
  mutating func nextOverdue(_ now: Instant) -> Owner? {
    while let first = awaited.first, first.deadline <= now {
      awaited.removeFirst()
      if let owner = owners[first.commit] { return owner }
    }
    return nil
  }
}
