import NodeTime

/// The nodes of a lookup, and what it knows of them.
extension Lookup {
  /// What a node said that counts among the K closest.
  package struct Answer: Hashable, Sendable {
    /// What it wants back with a record to store; nil where nothing was asked for.
    package var token: WriteToken?
    /// What it has under the target; nil if nothing, or nothing was asked for.
    package var held: HeldRecord?
    /// Whether it is a node like this one, and not of another implementation.
    package var isOfOurMake: Bool

    package init(token: WriteToken? = nil, held: HeldRecord? = nil, isOfOurMake: Bool = true) {
      self.token = token
      self.held = held
      self.isOfOurMake = isOfOurMake
    }
  }

  /// What is known of a node on the shortlist.
  ///
  /// notContacted → waiting → (late → silent) → answered, routing or failed. An answer is taken from
  /// every state: late is not never. One that is doubted is asked beside the others: notContacted →
  /// doubted → answered, routing, silent or failed.
  package enum State: Hashable, Sendable {
    case notContacted
    /// Asked, and not late yet: it takes one of the alpha places.
    case waiting
    /// Past its first soft timeout: asked once more, and its place given to another.
    case late
    /// Asked although it has left queries of ours unanswered: it takes no place, and it is waited for only
    /// if too few others answer.
    case questionable
    /// Past its second: dead for this lookup.
    case unresponsive
    /// It answered, and may be one of the K closest; what it said is kept aside (`answer(of:)`).
    case answered
    /// It answered, and only routes: it does not keep what this lookup is for.
    case routing
    /// It refused, spoke nonsense, or the query failed for good.
    case failed
    /// Not to be asked as long as enough others of its subnet answer (`SubnetLimits`); otherwise
    /// as notContacted.
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
    /// 1 for those we knew ourselves, one more for those that a node at hop n told of.
    package let hop: Int
    /// It has left our queries unanswered before.
    package internal(set) var isQuestionable: Bool
    /// True if this node knows that the node should keep the record.
    private let isKnownMember: Bool
    /// True if it has answered at its endpoint when another was asked there.
    var isVerified = false
    /// The nodes that named it.
    var naming = Naming()
    /// How long it should take to answer, in microseconds.
    let expectedRTT: UInt32
    /// What is known of it.
    package internal(set) var state: State
    /// When it was asked, counting the queries of this lookup from 1; nil before.
    package internal(set) var order: Int?
    /// How long it took to answer; nil before.
    package internal(set) var roundTrip: Duration?

    /// The version that it told of; nil if none.
    package internal(set) var held: RecordVersion?
    /// What it wants back with a record to store; nil where nothing was asked for.
    var token: WriteToken?
    /// What its answer said of it.
    var isOfOurMake = true
    /// Index into `reports` of what this node returned; nil if it returned nothing.
    var reportIndex: Int?
    /// The paths that were told of it, and the one that it was asked on.
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

  /// What this node knows of another before it asks it.
  package struct PeerKnowledge: Hashable, Sendable {
    /// True if the node counts among the holders of a record even if it does not answer: it keeps records of
    /// the kind, and answered this node lately.
    package var isMember: Bool
    /// It has left our queries unanswered.
    package var isQuestionable: Bool
    /// How long it takes to answer, or else what others take.
    package var roundTrip: Duration

    package init(isQuestionable: Bool = false, roundTrip: Duration = .zero, isMember: Bool = false) {
      self.isMember = isMember
      self.isQuestionable = isQuestionable
      self.roundTrip = roundTrip
    }
  }
}
