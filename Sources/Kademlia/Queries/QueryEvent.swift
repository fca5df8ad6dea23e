/// An event of a query.
///
/// `late` comes at most once, then `unresponsive` at most once, then exactly one of the others. An answer
/// still counts after the first two.
struct QueryEvent: Sendable {
  enum Kind: Sendable {
    /// The query is past its first soft timeout and was sent once more.
    case late
    /// The query is past its second soft timeout. Most owners wait no longer.
    case unresponsive
    /// The node answered.
    case answered(Answer)
    /// The node answered with a record that nobody can have signed, or that does not belong to the target.
    case forged
    /// The node answered with an error.
    case refused(RPCError, from: Endpoint)
    /// Another node has the address now. The addressee has not answered.
    case replaced
    /// No answer came within the RPC timeout.
    case timedOut
  }

  /// An answer and its circumstances.
  struct Answer: Sendable {
    let response: Response
    let peer: Peer
    /// The time from the first transmission of the query to the answer.
    let roundTrip: Duration
    /// True if the answer proves who sent it.
    let isProven: Bool
  }

  let query: QueryTable.Pending
  let kind: Kind
}
