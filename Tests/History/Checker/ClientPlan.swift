import SeededRandom

/// The requests of clients, drawn from a seed and from what the clients were told.
package struct ClientPlan: Sendable {
  /// A request that a client is about to make.
  package struct Request: Sendable {
    package let key: String
    package let kind: ClientOperation.Kind
    package let timeToLive: Duration?

    package init(key: String, kind: ClientOperation.Kind, timeToLive: Duration? = nil) {
      self.key = key
      self.kind = kind
      self.timeToLive = timeToLive
    }
  }

  /// The keys that clients use.
  package let keys: [String]
  /// The times to live that puts ask for; nil for one that outlasts the run.
  private let spans: [Duration?]
  /// The newest seq of each key that any client was told; 0 for none.
  private var lastSeen: [String: Int64] = [:]
  private var writes = 0
  private var random: SplitMix64

  package init(keys: Int, prefix: String = "key", spans: [Duration?], seed: UInt64) {
    self.keys = (0..<keys).map { "\(prefix)\($0)" }
    self.spans = spans
    random = SplitMix64(seed: SplitMix64.mix(seed ^ 0xC11E))
  }

  /// Draws the next request.
  package mutating func next() -> Request {
    let key = keys[random.below(keys.count)]
    switch random.below(100) {
    case 0..<35:
      return Request(key: key, kind: .put(value: nextValue()), timeToLive: spans[random.below(spans.count)])
    case 35..<50:
      // Now and then a client believes that there is no value.
      let expected = random.below(8) == 0 ? 0 : lastSeen[key] ?? 0
      return Request(
        key: key, kind: .compareAndSet(value: nextValue(), expected: expected), timeToLive: nil)
    case 50..<57: return Request(key: key, kind: .delete, timeToLive: nil)
    default: return Request(key: key, kind: .get, timeToLive: nil)
    }
  }

  /// Makes a value that no other write has.
  package mutating func nextValue() -> String {
    writes += 1
    return "v\(writes)"
  }

  /// Learns from a result.
  package mutating func note(_ operation: ClientOperation) {
    switch operation.result {
    case .found(let seq, _, _): lastSeen[operation.key] = seq
    case .notFound: lastSeen[operation.key] = 0
    case .confirmed(let version), .weak(let version):
      lastSeen[operation.key] = operation.kind == .delete ? 0 : version.seq
    case .unknown, .refused, .unreachable, .unanswered: break
    }
  }
}
