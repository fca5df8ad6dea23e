import NodeTime

/// How an operation ended.
package enum Outcome: Sendable {
  case put(PutOutcome)
  case get(GetOutcome)
  /// A get of which the way was asked for, too.
  case tracedGet(GetOutcome, LookupOutcome)
  case lookup(LookupOutcome)
  case ping(PingOutcome)
  /// The nodes that answered at the given addresses.
  case bootstrap([Peer])
}

/// Why an operation was not begun.
package enum OperationRefusal: Error, Hashable, Sendable {
  case emptyKey
  /// Key and value together, or a bencoded value, are over the limit, in bytes.
  case tooLarge(size: Int, limit: Int)
  /// The salt is over the limit, in bytes.
  case saltTooLarge(size: Int, limit: Int)
  /// The signature is not that of the record.
  case badSignature
  /// The TTL is not within 1 and the limit, in seconds.
  case ttlOutOfRange(limit: Int64)
  /// As many operations as are allowed wait already.
  case busy(limit: Int)
}

/// How a put or a delete ended.
package struct PutOutcome: Sendable {
  /// Whether it was confirmed.
  package enum Verdict: Hashable, Sendable {
    /// A majority of the replicas confirmed.
    case stored
    /// No majority did. The record may still be at some nodes: this is unknown, not undone.
    case quorumFailed
    /// The version is not the one that `if_seq` asked for; its seq where that was told, 0 for none.
    case conflict(current: Int64?)
  }

  /// A node that should hold the record and has not confirmed it.
  package struct Failure: Hashable, Sendable {
    /// The node.
    package let peer: Peer
    /// Why it has not confirmed.
    package let reason: Reason
  }

  /// Why a node has not confirmed a record.
  package enum Reason: Hashable, Sendable {
    case refused(RPCError)
    /// This node is one of the replicas, and its own store would not take it.
    case store(StoreError)
    case unanswered(after: Duration)
    /// It has not answered in the time that others need. It may yet.
    case late
    /// Another node answers at its address.
    case replaced
    /// It said yes, but not to this version.
    case unnamedVersion
    /// It will not store for us.
    case noToken
    /// It told of a record that nobody can have signed, or that does not belong to the target.
    case forgedRecord

    /// Whether its store had no room.
    package var isStorageFull: Bool {
      switch self {
      case .refused(let error): error.code == RPCError.storageFull
      case .store(.full), .store(.diskFull): true
      case .store(.superseded), .store(.failed), .unanswered, .late, .replaced, .unnamedVersion, .noToken,
        .forgedRecord:
        false
      }
    }
  }

  /// Whether it was confirmed.
  package let verdict: Verdict
  /// The point that was looked up.
  package let target: NodeID
  /// The version that was written, or would have been.
  package let version: RecordVersion
  /// Nodes that confirmed.
  package let stored: Int
  /// Nodes that should hold it: K, or all live ones if there are fewer.
  package let replicas: Int
  /// The others, and why each did not confirm.
  package let failures: [Failure]
}

extension PutOutcome.Reason: CustomStringConvertible {
  /// A few words for a person.
  package var description: String {
    switch self {
    case .refused(let error): error.description
    case .store(let error): error.description
    case .unanswered(let duration): "no answer within \(duration.inSeconds)"
    case .late: "no answer yet"
    case .replaced: "another node answers at its address"
    case .unnamedVersion: "confirmed without naming the version"
    case .noToken: "gives no write token"
    case .forgedRecord: "answered with a forged record"
    }
  }
}

/// How a get ended.
package enum GetOutcome: Sendable {
  case found(Record)
  /// A copy that this node has read so long ago.
  case cached(Record, age: Duration)
  case notFound
  /// Too few of the nodes that should know have answered.
  case unreachable(answered: Int, needed: Int)
}

/// How a lookup ended: the closest live nodes, and every step that was taken.
package struct LookupOutcome: Sendable {
  /// One node that was asked, and what came of it.
  package struct Step: Hashable, Sendable {
    /// What came of asking a node, as it stood when the lookup ended.
    package enum Outcome: String, Hashable, Sendable {
      case answered, routing, failed
      case late, silent
      case waiting
    }

    /// 1 for a node known at the start, one more than the node that told of it for any other.
    package let hop: Int
    /// The node.
    package let peer: Peer
    /// How long it took to answer; nil if it has not.
    package let roundTrip: Duration?
    /// What came of it.
    package let outcome: Outcome
    /// What it holds; nil if nothing, or it was not asked.
    package let held: RecordVersion?
  }

  /// The point that was looked up.
  package let target: NodeID
  /// The closest nodes that answered, closest first, at most K.
  package let closest: [Lookup.Candidate]
  /// The nodes that were asked, in the order in which they were.
  package let steps: [Step]

  /// Nobody was asked.
  init(noneFor target: NodeID) {
    self.target = target
    closest = []
    steps = []
  }

  init(_ lookup: Lookup) {
    target = lookup.target
    closest = lookup.closest
    let asked = lookup.candidates.compactMap { candidate in
      candidate.order.map { (order: $0, candidate: candidate) }
    }
    steps = asked.sorted { $0.order < $1.order }.map { Step($0.candidate) }
  }
}

extension LookupOutcome.Step {
  fileprivate init(_ candidate: Lookup.Candidate) {
    hop = candidate.hop
    peer = candidate.peer
    roundTrip = candidate.roundTrip
    held = candidate.held
    outcome =
      switch candidate.state {
      case .answered: .answered
      case .routing: .routing
      case .failed: .failed
      case .late, .questionable: .late
      case .unresponsive: .silent
      case .notContacted, .waiting, .passedOver: .waiting
      }
  }
}

/// How a ping ended.
package enum PingOutcome: Sendable {
  case answered(Peer, roundTrip: Duration)
  case unanswered(after: Duration)
  case refused(RPCError)
}
