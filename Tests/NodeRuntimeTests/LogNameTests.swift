import NodeRuntime
import Testing

@Suite("The names of log fields and the IDs of journal events") struct LogNameTests {
  /// The log fields of version 0.5. People search the journal for these: none may go, and none may change.
  private static let fields05 = [
    "client_pid", "client_uid", "client_user", "config", "contacts", "in", "keys", "kind", "message_id",
    "node_id", "peer", "peer_id", "reason", "rpc", "sealing_key", "target",
  ]

  /// The journal events of version 0.5 and the IDs by which the journal's catalog explains them.
  private static let events05: [JournalEvent: String] = [
    .ready: "d6c3e53ffbd34a8693dc62ce37eca307",
    .stopped: "ace251fe4c6849c581407600e05f2883",
    .reloaded: "305b1bbc9df24194a338deee604a6f39",
    .wrongConfiguration: "79b2984417694937aa9e1178d2953308",
    .bootstrapUnanswered: "75f044d398884a36a841957e80061863",
    .isolated: "9b7f13d85cec4b2db5792b4612848038",
    .merging: "b88d710646d04c098ead1aa86deba831",
    .socketLost: "ea59ba4e75eb4d3eb341633e36809bce",
    .storeDamaged: "5f0f6e3b0b6a4c0e9d7c2f4a8b1e6d35",
    .recordDamaged: "c1a7d0e2f94b4d6f8a3359b7e0c4d812",
    .storeFull: "8e2b64f7a1d94f0cb35d6c7e9f10a2b4",
    .storeFailed: "3d94c5b80e7f4a21b6c8d1f2e5a70963",
    .sourceCutOff: "5c0e7f1d92b84a06a7c3e9d4481f62b7",
    .overloaded: "a94b3e60c8d7412f9e15f07b6c2d83ea",
    .operationFailed: "70e997969b53487eb871ea723c96698d",
  ]

  @Test("every log field of version 0.5 still has its name")
  func fields() {
    let now = Set(LogField.allCases.map(\.rawValue))
    let missing = Self.fields05.filter { !now.contains($0) }
    #expect(missing.isEmpty)
  }

  @Test("every journal event of version 0.5 still has its ID")
  func events() {
    for (event, id) in Self.events05 { #expect(event.rawValue == id) }
  }
}
