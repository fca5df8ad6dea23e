import Kademlia
package import NodeTime

/// An event of the trace of a run: a datagram that arrives, or an operation that ends.
package struct TraceEntry: Sendable {
  /// The virtual time.
  package let time: Instant
  /// The index of the host.
  package let host: Int
  /// The event in a few words.
  package let description: String
  /// The digest that the hash includes.
  package let digest: UInt64
}

extension Message {
  /// The message in a few words, without its transaction number.
  var summary: String {
    switch body {
    case .query(let query):
      let sender = query.sender.prefixText
      switch query.method {
      case .ping: return "ping by \(sender)"
      case .findNode(let target): return "find_node by \(sender) of \(target.prefixText)"
      case .get(let target, _, let seq):
        return "get by \(sender) of \(target.prefixText)" + (seq.map { " seq \($0)" } ?? "")
      case .put(let record, _, _):
        return "put by \(sender) of \(record.target.prefixText) seq \(record.version.seq)"
      }
    case .response(let response):
      var text = "response by \(response.sender.prefixText) nodes \(response.nodes.count)"
      if let held = response.held { text += " holds seq \(held.version.seq)" }
      if let seq = response.storedSeq { text += " stored seq \(seq)" }
      return text
    case .error(let error): return "error \(error.code)"
    }
  }
}

extension NodeID {
  /// The first 32 bits, which are enough to distinguish the hosts of a run.
  fileprivate var prefixText: String {
    let digits = String(high >> 32, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension Outcome {
  /// The outcome in one word.
  var summary: String {
    switch self {
    case .put(let outcome): "put \(outcome.verdict)"
    case .get(let outcome), .tracedGet(let outcome, _):
      switch outcome {
      case .found(let record): "found seq \(record.version.seq)"
      case .unconfirmed(let record): "found seq \(record.version.seq), unconfirmed"
      case .cached: "found a copy"
      case .notFound: "not found"
      case .unreachable: "unreachable"
      }
    case .lookup(let outcome): "lookup of \(outcome.closest.count) nodes"
    case .ping: "ping"
    case .bootstrap(let outcome): "bootstrap met \(outcome.met.count)"
    }
  }
}
