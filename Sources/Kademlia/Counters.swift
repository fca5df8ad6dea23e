/// The counters of a node since it started.
package struct Counters: Hashable, Sendable {
  /// Queries sent, each counted once however often it went out.
  package var queriesSent: Int64 = 0
  /// Queries sent once more, after their first soft timeout.
  package var queriesResent: Int64 = 0
  /// Queries that got no answer within the RPC timeout.
  package var queriesFailed: Int64 = 0
  /// Queries of other nodes.
  package var queriesReceived: Int64 = 0
  /// Answers that belong to a query.
  package var responsesReceived: Int64 = 0
  /// Refusals that belong to a query.
  package var errorsReceived: Int64 = 0
  /// Datagrams that were not valid messages, or looked like answers and were not.
  package var datagramsMalformed: Int64 = 0
  /// Datagrams over a limit whose senders were told so, where that was not longer than what they had sent.
  package var requestsRefused: Int64 = 0
  /// Datagrams that were dropped because their source had sent too many.
  package var requestsOverSourceLimit: Int64 = 0
  /// Datagrams that were dropped because all sources together had sent too many.
  package var requestsOverTotalLimit: Int64 = 0
  /// Answers that were not sent because their addresses were unproven and their networks' allowance was used
  /// up.
  package var answersWithheld: Int64 = 0
  /// Records that were refused because their source had stored too many in a short time.
  package var storesOverLimit: Int64 = 0
  /// Answers that belong to no query: too late, from elsewhere, or made up.
  package var strayAnswers: Int64 = 0
  /// Records of other nodes that were stored here.
  package var recordsStored: Int64 = 0
  /// Records of other nodes that were refused.
  package var recordsRefused: Int64 = 0
  /// Answers with a record that was not signed by its owner, or did not belong where it was said to.
  package var forgedRecords: Int64 = 0
  /// Proofs of identity that were valid; `proofsRefused` counts those that were not.
  package var proofsAccepted: Int64 = 0
  package var proofsRefused: Int64 = 0
  /// Records given to holders that had an older version or none.
  package var repairsSent: Int64 = 0
  /// Records that were dropped after they had expired.
  package var recordsExpired: Int64 = 0
  /// Records whose holders were looked after because this node is one.
  package var replications: Int64 = 0
  /// Records whose holders were not looked after, because another node had just done so.
  package var replicationsSkipped: Int64 = 0
  /// Records whose holders were looked after because users of this node stored them.
  package var republications: Int64 = 0
  /// Records that this node could not note as published; they live as long as their holders.
  package var publicationsFailed: Int64 = 0
  /// Records offered to nodes that came or came back.
  package var handOffs: Int64 = 0
  /// Copies that upkeep gave to nodes that had an older version or none.
  package var replicasSent: Int64 = 0
  /// Gets that were answered with a copy that was read before.
  package var getsFromCache: Int64 = 0
  /// Lookups begun, those of the node's own upkeep among them.
  package var lookups: Int64 = 0

  /// Gets that found a value.
  package var getsOK: Int64 = 0
  /// Gets that found that there is none.
  package var getsNotFound: Int64 = 0
  /// Gets that too few nodes answered.
  package var getsFailed: Int64 = 0
  /// Puts and deletions that a majority confirmed.
  package var putsOK: Int64 = 0
  /// Puts and deletions that no majority confirmed.
  package var putsFailed: Int64 = 0

  package init() {}
}
