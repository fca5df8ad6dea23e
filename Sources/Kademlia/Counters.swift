/// What a node has counted since it started.
package struct Counters: Hashable, Sendable {
  package var queriesSent: Int64 = 0
  /// Queries sent once more, after their first soft timeout.
  package var queriesResent: Int64 = 0
  package var queriesFailed: Int64 = 0
  package var queriesReceived: Int64 = 0
  package var responsesReceived: Int64 = 0
  package var errorsReceived: Int64 = 0
  /// Answers that belong to no query: too late, from elsewhere, or made up.
  package var strayAnswers: Int64 = 0
  package var recordsStored: Int64 = 0
  package var recordsRefused: Int64 = 0
  package var repairsSent: Int64 = 0
  package var lookups: Int64 = 0

  package var getsOK: Int64 = 0
  package var getsNotFound: Int64 = 0
  package var getsFailed: Int64 = 0
  package var putsOK: Int64 = 0
  package var putsFailed: Int64 = 0

  package init() {}
}
