import NodeTime

/// The outcome of an operation.
package enum Outcome: Sendable {
  case put(PutOutcome)
  case get(GetOutcome)
  /// The outcome of a get whose steps were asked for, too.
  case tracedGet(GetOutcome, LookupOutcome)
  case lookup(LookupOutcome)
  case ping(PingOutcome)
  case bootstrap(BootstrapOutcome)
}

/// The outcome of pings to the addresses that a user named to join through.
package struct BootstrapOutcome: Hashable, Sendable {
  /// The nodes that answered.
  package var met: [Peer] = []
  /// The addresses that are this node's own.
  package var own: [Endpoint] = []
  /// The addresses at which another node answered with the ID of this node.
  package var duplicates: [Endpoint] = []
  /// The addresses at which nobody answered.
  package var unanswered: [Endpoint] = []
  /// The time after which an address counts as one of these.
  package var patience: Duration

  /// The outcome while nobody has answered.
  package init(patience: Duration) { self.patience = patience }
}

/// The reason why an operation was not begun.
package enum OperationRefusal: Error, Hashable, Sendable {
  case emptyKey
  /// Key and value together, or a bencoded value, exceed the limit in bytes.
  case tooLarge(size: Int, limit: Int)
  /// The salt exceeds the limit in bytes.
  case saltTooLarge(size: Int, limit: Int)
  /// The signature is not valid for the record.
  case badSignature
  /// The TTL is not between 1 and the limit, in seconds.
  case ttlOutOfRange(limit: Int64)
  /// The limit of waiting operations, of queries or of changes of the store is reached.
  case busy(limit: Int)
}

/// The outcome of a put or a delete.
package struct PutOutcome: Sendable {
  /// The result of a put.
  package enum Verdict: Hashable, Sendable {
    /// A majority of the replicas confirmed.
    case stored
    /// No majority confirmed. The record may still be at some nodes: its fate is unknown, and nothing was
    /// undone.
    case quorumFailed
    /// The current version is not the one that `if_seq` asked for, or is newer than the signed record.
    /// `current` is its seq, if a holder named it, and 0 if there is none.
    case conflict(current: Int64?)
    /// A holder has the greatest seq that there is, so that no version can follow. Nothing was sent.
    case seqExhausted
    /// Too few nodes answered to tell which version is current, as a put with `if_seq` must. Nothing was sent.
    case unreachable(answered: Int, needed: Int)
  }

  /// A node that should hold the record and has not confirmed it.
  package struct Failure: Hashable, Sendable {
    /// The node.
    package let peer: Peer
    /// The reason why it has not confirmed.
    package let reason: Reason
  }

  /// The reason why a node has not confirmed a record.
  package enum Reason: Hashable, Sendable {
    case refused(RPCError)
    /// This node is one of the replicas, and its own store did not take the record.
    case store(StoreError)
    case unanswered(after: Duration)
    /// The node has not answered in the time that others need. It may still confirm.
    case late
    /// Another node answers at the address.
    case replaced
    /// The node confirmed, but did not name this version.
    case unnamedVersion
    /// The node will not store for us.
    case noToken
    /// The node returned a record that nobody can have signed, or that does not belong to the target.
    case forgedRecord

    /// True if the node answered and did not take the record.
    var isRefusal: Bool {
      switch self {
      case .refused, .store, .unnamedVersion, .noToken, .forgedRecord: true
      case .unanswered, .late, .replaced: false
      }
    }

    /// True if the node's store had no room.
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

  /// The result.
  package let verdict: Verdict
  /// The target of the lookup.
  package let target: NodeID
  /// The version that was written, or would have been.
  package let version: RecordVersion
  /// The number of nodes that confirmed.
  package let stored: Int
  /// The number of nodes that should hold the record. In general this is K, or all live nodes if there are
  /// fewer.
  package let replicas: Int
  /// The seq of the value that the lookup found, which the version replaces; 0 if it found none.
  package let replacedSeq: Int64
  /// The number of nodes that count for the record: those that should hold it, whether they answer or not.
  package let counted: Int
  /// The number of nodes that should hold the record and do not answer at present.
  package let silent: Int
  /// True if fewer nodes confirmed than make a majority once the silent ones are back. A read may miss the record
  /// then.
  package let isWeak: Bool
  /// The nodes that did not confirm, and the reasons.
  package let failures: [Failure]

  /// The number of nodes that answered and did not take the record.
  package var refused: Int { failures.count(where: \.reason.isRefusal) }

  /// The number of nodes that may still confirm.
  package var pending: Int { failures.count { $0.reason == .late } }
}

extension PutOutcome.Reason: CustomStringConvertible {
  /// A short description for people.
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

/// The outcome of a get.
package enum GetOutcome: Sendable {
  case found(Record)
  /// Fewer nodes answered than meet every confirmed version: a newer one may exist.
  case unconfirmed(Record)
  /// A copy that this node read earlier, and its age.
  case cached(Record, age: Duration)
  case notFound
  /// Too few of the nodes that would have the record answered.
  case unreachable(answered: Int, needed: Int)
}

/// The outcome of a lookup: the closest live nodes, and every step that was taken.
package struct LookupOutcome: Sendable {
  /// A node that was asked, and the result.
  package struct Step: Hashable, Sendable {
    /// The result of asking a node, as of the end of the lookup.
    package enum Outcome: String, Hashable, Sendable {
      case answered, routing, failed
      case late, silent
      case waiting
    }

    /// 1 for a node known at the start. For any other node, one more than the hop of the node that named it.
    package let hop: Int
    /// The node.
    package let peer: Peer
    /// The time that it took to answer; nil if it has not.
    package let roundTrip: Duration?
    /// The result of asking it.
    package let outcome: Outcome
    /// The version that it holds; nil if it holds none, or was not asked.
    package let held: RecordVersion?
  }

  /// The target of the lookup.
  package let target: NodeID
  /// The closest nodes that answered, closest first; at most K, unless the lookup took several paths.
  package let closest: [Lookup.Candidate]
  /// The nodes that were asked, in the order of asking.
  package let steps: [Step]

  /// Makes the outcome of an operation that asked nobody.
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

/// The outcome of a ping.
package enum PingOutcome: Sendable {
  case answered(Peer, roundTrip: Duration)
  case unanswered(Endpoint, after: Duration)
  case refused(RPCError)
}
