package import Kademlia
package import NodeTime

/// What datagrams were sent for: each query and its answer count to the operation that needed them, or
/// to the kind of upkeep.
package struct Traffic: Sendable {
  /// What some datagrams cost.
  package struct Cost: Hashable, Sendable {
    /// Queries, each as often as it was sent.
    package internal(set) var queries = 0
    /// Queries, answers and refusals.
    package internal(set) var datagrams = 0
    /// The bytes of their messages, without the headers of UDP and IP.
    package internal(set) var bytes = 0

    mutating func add(bytes size: Int, isQuery: Bool) {
      datagrams += 1
      bytes += size
      if isQuery { queries += 1 }
    }
  }

  /// An operation and what it has cost so far.
  package struct Operation: Sendable {
    /// When it was begun.
    package let began: Instant
    /// When the asker first heard a record; nil before.
    package fileprivate(set) var firstRecord: Instant?
    /// Its queries and their answers.
    package fileprivate(set) var cost = Cost()
  }

  /// Kinds of upkeep, in the order of `upkeep`.
  package static let kinds = [
    "other", "join", "refresh", "renewal", "repair", "hand-off", "verification", "liveness", "probe",
  ]
  /// What each kind of upkeep has cost.
  package private(set) var upkeep = Array(repeating: Cost(), count: kinds.count)
  /// The operations, in the order in which they were begun.
  package private(set) var operations: [Operation] = []
  /// Operations that have ended, and how, until somebody takes them.
  package internal(set) var completed: [(index: Int, outcome: Outcome)] = []

  /// Tags below are kinds of upkeep; the others are operations.
  private static let firstOperation: UInt32 = 16
  /// The tag of the first operation. Those below are of an earlier counting, and what is still on its way for
  /// them counts to nobody.
  private let first: UInt32

  /// - Parameter earlier: the counting that this one follows.
  init(after earlier: Traffic? = nil) {
    first = earlier.map { $0.first + UInt32($0.operations.count) } ?? Self.firstOperation
  }

  /// The place of an operation of this counting; nil for anything else.
  func index(_ tag: UInt32) -> Int? { tag < first ? nil : Int(tag - first) }

  static func tag(_ cause: QueryCause) -> UInt32 {
    switch cause {
    case .operation: 0
    case .join: 1
    case .refresh: 2
    case .renewal: 3
    case .repair: 4
    case .handOff: 5
    case .verification: 6
    case .liveness: 7
    case .probe: 8
    }
  }

  mutating func begin(_ now: Instant) -> UInt32 {
    operations.append(Operation(began: now))
    return UInt32(operations.count - 1) + first
  }

  mutating func count(_ tag: UInt32, bytes: Int, isQuery: Bool) {
    if tag < Self.firstOperation {
      upkeep[Int(tag)].add(bytes: bytes, isQuery: isQuery)
    } else if let index = index(tag) {
      operations[index].cost.add(bytes: bytes, isQuery: isQuery)
    }
  }

  /// An asker hears an answer.
  mutating func heard(_ response: Response, _ tag: UInt32, at time: Instant) {
    guard let index = index(tag), case .record? = response.held else { return }
    if operations[index].firstRecord == nil { operations[index].firstRecord = time }
  }
}

extension SimulatedNetwork {
  /// Counts traffic from now on, from 0.
  package mutating func countTraffic() {
    traffic = Traffic(after: traffic)
    for host in hosts {
      host.queriesHeard = 0
      host.tracked = []
    }
  }

  /// Whether operations have ended since they were last taken.
  var hasCompleted: Bool { traffic?.completed.isEmpty == false }

  /// Takes the operations that have ended since the last time.
  package mutating func takeCompleted() -> [(index: Int, outcome: Outcome)] {
    defer { traffic?.completed = [] }
    return traffic?.completed ?? []
  }
}
