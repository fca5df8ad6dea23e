import Kademlia

/// A fingerprint of everything that happened in a run. Two runs of one seed have the same; it does
/// not use the standard library's hash, which differs from process to process.
package struct TraceHash: Hashable, Sendable {
  /// The hash so far (FNV-1a).
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ word: UInt64) {
    value = SplitMix64.mix(value ^ word) &+ 0x9E37_79B9_7F4A_7C15
  }

  mutating func add(_ message: Message) {
    add(message.transaction.number.map(UInt64.init) ?? .max)
    switch message.body {
    case .query(let query):
      add(1)
      add(query.sender.high)
      add(query.method)
    case .response(let response):
      add(2)
      add(response.sender.high)
      for node in response.nodes { add(node.id.high) }
      if let held = response.held { add(UInt64(bitPattern: held.version.seq)) }
      if let seq = response.storedSeq { add(UInt64(bitPattern: seq)) }
    case .error(let error):
      add(3)
      add(UInt64(bitPattern: Int64(error.code)))
    }
  }

  private mutating func add(_ method: Query.Method) {
    switch method {
    case .ping: add(4)
    case .findNode(let target):
      add(5)
      add(target.high)
    case .get(let target, _, let seq):
      add(6)
      add(target.high)
      add(UInt64(bitPattern: seq ?? -1))
    case .put(let record, _, let cas):
      add(7)
      add(record.target.high)
      add(UInt64(bitPattern: record.version.seq))
      add(UInt64(bitPattern: record.version.expiry))
      add(UInt64(bitPattern: cas ?? -1))
    }
  }
}
