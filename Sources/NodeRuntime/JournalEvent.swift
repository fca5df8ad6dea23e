/// The events that people search the journal for. The journal's catalog explains each by its ID
/// (systemd/dhtd.catalog): `journalctl MESSAGE_ID=…`, `journalctl -x`.
package enum JournalEvent: String, CaseIterable, Sendable {
  /// The first join has ended. Operations begin.
  case ready = "d6c3e53ffbd34a8693dc62ce37eca307"
  /// The node has stopped on request.
  case stopped = "ace251fe4c6849c581407600e05f2883"
  /// A changed configuration is in force.
  case reloaded = "305b1bbc9df24194a338deee604a6f39"
  /// A changed configuration is invalid. The current one stays in force.
  case wrongConfiguration = "79b2984417694937aa9e1178d2953308"
  /// No bootstrap address answers.
  case bootstrapUnanswered = "75f044d398884a36a841957e80061863"
  /// The last contact was lost.
  case isolated = "9b7f13d85cec4b2db5792b4612848038"
  /// Most of the nodes that this node had do not answer.
  case cutOff = "4b1d7a9ce3f04f6ea5286c0d93b71e58"
  /// Two parts of a network have met.
  case merging = "b88d710646d04c098ead1aa86deba831"
  /// The system has closed a socket of the node, which stops.
  case socketLost = "ea59ba4e75eb4d3eb341633e36809bce"
  /// The record store was found damaged at the start. Its valid records were kept.
  case storeDamaged = "5f0f6e3b0b6a4c0e9d7c2f4a8b1e6d35"
  /// A record was found damaged when it was read.
  case recordDamaged = "c1a7d0e2f94b4d6f8a3359b7e0c4d812"
  /// The store accepts no further records.
  case storeFull = "8e2b64f7a1d94f0cb35d6c7e9f10a2b4"
  /// The store has failed, and the node stops.
  case storeFailed = "3d94c5b80e7f4a21b6c8d1f2e5a70963"
  /// A source has exceeded its rate limit and gets no more answers.
  case sourceCutOff = "5c0e7f1d92b84a06a7c3e9d4481f62b7"
  /// All sources together exceed the rate limit.
  case overloaded = "a94b3e60c8d7412f9e15f07b6c2d83ea"
  /// A put was not confirmed, or too few nodes could be reached to answer.
  case operationFailed = "70e997969b53487eb871ea723c96698d"
}
