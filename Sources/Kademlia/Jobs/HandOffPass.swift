/// A pass through the records, for a node that arrived or for nodes that have left.
struct HandOffPass: Sendable {
  /// The reason for a pass.
  enum Cause: Sendable {
    /// A node that should be offered records.
    case arrival(Peer)
    /// Nodes that have left.
    case departure([NodeID])
  }

  let cause: Cause
  /// The least number of leading bits that a target shares with our ID if its record may be ours to offer.
  let sharedBits: Int
  /// The next record to look at.
  var next: RecordID
  /// The number of offers that have not been answered yet.
  var offers = 0
  /// The number of times that its node was unresponsive.
  var silences = 0

  init(cause: Cause, sharedBits: Int, next: RecordID) {
    self.cause = cause
    self.sharedBits = sharedBits
    self.next = next
  }

  /// The node that is offered records; nil in a pass for nodes that have left.
  var recipient: Peer? {
    if case .arrival(let peer) = cause { peer } else { nil }
  }
}
