import NodeTime

/// The nodes of a lookup, and what it knows of them.
extension Lookup {
  /// The answer of a node that counts among the K closest.
  package struct Answer: Hashable, Sendable {
    /// The write token that the node wants back with a record to store; nil if it gave none.
    package var token: WriteToken?
    /// The record or version that the node holds under the target; nil if it holds none or was not asked for
    /// one.
    package var held: HeldRecord?
    /// True if the node runs this implementation.
    package var isOfOurMake: Bool
    /// True if the node is new and returned no record: it may not have been given the record yet, and does not say
    /// that there is none.
    package var isNew: Bool

    package init(
      token: WriteToken? = nil, held: HeldRecord? = nil, isOfOurMake: Bool = true, isNew: Bool = false
    ) {
      self.token = token
      self.held = held
      self.isOfOurMake = isOfOurMake
      self.isNew = isNew
    }
  }

  /// The state of a node on the shortlist.
  ///
  /// notContacted → waiting → (late → unresponsive) → answered, routing or failed. An answer is accepted in
  /// every state, however late. A questionable node is asked beside the others: notContacted →
  /// questionable → answered, routing, unresponsive or failed.
  package enum State: Hashable, Sendable {
    case notContacted
    /// Asked, and not late yet: it takes one of the alpha places.
    case waiting
    /// Past its first soft timeout: asked once more, and its place goes to another.
    case late
    /// Asked although it has left queries of ours unanswered: it takes no place, and the lookup waits for it
    /// only if too few others answer.
    case questionable
    /// Past its second soft timeout, or past its first if it was questionable: dead for this lookup.
    case unresponsive
    /// The node answered and may be one of the K closest; its answer is kept aside (`answer(of:)`).
    case answered
    /// The node answered and only routes: it does not keep what this lookup is for, or answered too late to
    /// count.
    case routing
    /// The node refused or sent nonsense, or the query failed for good.
    case failed
    /// Not asked while enough others of its subnet answer (`SubnetLimits`) or another ID was asked at its
    /// endpoint; otherwise like notContacted.
    case passedOver
  }

  /// A node on the shortlist.
  ///
  /// Plain bytes without a reference: the shortlist is gone through with every answer.
  package struct Candidate: Hashable, Sendable {
    /// The node.
    package let peer: Peer
    /// Its distance to the target.
    package let distance: Distance
    /// 0 for this node itself, 1 for the nodes that it knew, and n + 1 for those that a node at hop n named.
    package let hop: Int
    /// True if the node has left queries of ours unanswered before.
    package internal(set) var isQuestionable: Bool
    /// True if this node knows that the node should keep the record.
    private let isKnownMember: Bool
    /// True if it has answered at its endpoint when another was asked there.
    var isVerified = false
    /// The nodes that named it.
    var naming = Naming()
    /// The time that the node should take to answer, in microseconds.
    let expectedRTT: UInt32
    /// The state of the node in this lookup.
    package internal(set) var state: State
    /// When it was asked, counting the queries of this lookup from 1; nil before.
    package internal(set) var order: Int?
    /// The time that the node took to answer; nil before.
    package internal(set) var roundTrip: Duration?

    /// The version that the node reported; nil if none.
    package internal(set) var held: RecordVersion?
    /// The write token that the node wants back with a record to store; nil if it gave none.
    var token: WriteToken?
    /// True if the node runs this implementation; valid once the node has answered.
    var isOfOurMake = true
    /// True if the node has answered that it is new and holds no record.
    var isNew = false
    /// Index into `reports` of what this node returned; nil if it returned nothing.
    var reportIndex: Int?
    /// The paths on which the node was named; `path` is the one on which it was asked.
    var paths: Paths
    var path: UInt8 = 0

    /// True if the node counts among the holders of a record even if it does not answer.
    package var isMember: Bool { isKnownMember || naming.isConfirmed }

    init(
      peer: Peer, distance: Distance, hop: Int, known: PeerKnowledge, state: State, paths: Paths
    ) {
      self.peer = peer
      self.distance = distance
      self.hop = hop
      self.isQuestionable = known.isQuestionable
      self.isKnownMember = known.isMember
      self.expectedRTT = UInt32(clamping: known.roundTrip.nanoseconds / 1000)
      self.state = state
      self.paths = paths
    }
  }

  /// The knowledge that this node has of another before asking it.
  package struct PeerKnowledge: Hashable, Sendable {
    /// True if the node counts among the holders of a record even if it does not answer: it keeps records of
    /// the kind, and answered this node lately.
    package var isMember: Bool
    /// True if the node has left queries of ours unanswered.
    package var isQuestionable: Bool
    /// The time that the node takes to answer, or else the time that others take.
    package var roundTrip: Duration

    package init(isQuestionable: Bool = false, roundTrip: Duration = .zero, isMember: Bool = false) {
      self.isMember = isMember
      self.isQuestionable = isQuestionable
      self.roundTrip = roundTrip
    }
  }
}
