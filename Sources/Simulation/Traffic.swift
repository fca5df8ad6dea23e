package import Kademlia
package import NodeTime

/// The cost of traffic by purpose. A query and its answer count for the operation that needed them, or for a
/// kind of maintenance.
package struct Traffic: Sendable {
  /// The cost of some datagrams.
  package struct Cost: Hashable, Sendable {
    /// The number of queries, including repetitions.
    package internal(set) var queries = 0
    /// The number of queries, answers and errors.
    package internal(set) var datagrams = 0
    /// The bytes of their messages, without the headers of UDP and IP.
    package internal(set) var bytes = 0

    mutating func add(bytes size: Int, isQuery: Bool) {
      datagrams += 1
      bytes += size
      if isQuery { queries += 1 }
    }
  }

  /// An operation and its cost so far.
  package struct Operation: Sendable {
    /// The time at which it was begun.
    package let began: Instant
    /// The time at which the asker first received a record; nil before.
    package fileprivate(set) var firstRecord: Instant?
    /// The cost of its queries and their answers.
    package fileprivate(set) var cost = Cost()
  }

  /// The kinds of maintenance, in the order of `upkeep`.
  package static let kinds = [
    "other", "join", "refresh", "renewal", "repair", "hand-off", "verification", "liveness", "probe",
  ]
  /// The cost of each kind of maintenance.
  package private(set) var upkeep = Array(repeating: Cost(), count: kinds.count)
  /// The operations, in the order in which they were begun.
  package private(set) var operations: [Operation] = []
  /// Operations that have ended, with their outcomes, until they are taken.
  package internal(set) var completed: [(index: Int, outcome: Outcome)] = []

  /// Lower tags are kinds of maintenance; the others are operations.
  private static let firstOperation: UInt32 = 16
  /// The tag of the first operation. Lower tags belong to an earlier counting, and their datagrams that are
  /// still on the way are not counted.
  private let first: UInt32

  /// - Parameter earlier: the counting before this one.
  init(after earlier: Traffic? = nil) {
    first = earlier.map { $0.first + UInt32($0.operations.count) } ?? Self.firstOperation
  }

  /// The index of an operation of this counting; nil for any other tag.
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

  /// Handles an answer that an asker receives.
  mutating func handleResponse(_ response: Response, _ tag: UInt32, at time: Instant) {
    guard let index = index(tag), case .record? = response.held else { return }
    if operations[index].firstRecord == nil { operations[index].firstRecord = time }
  }
}

extension SimulatedNetwork {
  /// Counts traffic from 0 from now on.
  package mutating func countTraffic() {
    traffic = Traffic(after: traffic)
    for host in hosts {
      host.queriesHeard = 0
      host.tracked = []
    }
  }

  /// True if operations have ended and are not taken yet.
  var hasCompleted: Bool { traffic?.completed.isEmpty == false }

  /// Takes the operations that have ended since the last call.
  package mutating func takeCompleted() -> [(index: Int, outcome: Outcome)] {
    defer { traffic?.completed = [] }
    return traffic?.completed ?? []
  }
}
