import ControlProtocol
import Kademlia
import NodeTime

extension Result where Success == ControlResult, Failure == ControlError {
  init(_ outcome: Outcome) {
    switch outcome {
    case .put(let outcome): self = Self.put(outcome)
    case .get(let outcome): self = Self.get(outcome, steps: nil)
    case .tracedGet(let outcome, let lookup):
      self = Self.get(outcome, steps: lookup.steps.map(LookupStep.init))
    case .lookup(let outcome): self = .success(.lookup(LookupResult(outcome)))
    case .ping(.answered(let peer, let roundTrip)):
      self = .success(
        .ping(
          PingResult(
            nodeID: "\(peer.id)", address: "\(peer.endpoint)", rtt: roundTrip.milliseconds)))
    case .ping(.unanswered(let endpoint, let duration)):
      self = .failure(
        ControlError(.unreachable, "nothing answered at \(endpoint) within \(duration.inSeconds); \(checks)"))
    case .ping(.refused(let error)):
      self = .failure(
        ControlError(.unreachable, "the node there refuses to answer: \(error)", reason: "refused"))
    case .bootstrap(let outcome):
      let nodes = outcome.met.map { MetNode(nodeID: "\($0.id)", address: "\($0.endpoint)") }
      self =
        nodes.isEmpty
        ? .failure(ControlError(.unreachable, outcome.failure))
        : .success(.bootstrap(BootstrapResult(nodes: nodes)))
    }
  }

  private static func get(_ outcome: GetOutcome, steps: [LookupStep]?) -> Self {
    switch outcome {
    case .found(let record):
      .success(.get(GetResult(record, age: nil, steps: steps)))
    case .cached(let record, let age):
      .success(.get(GetResult(record, age: age.components.seconds, steps: steps)))
    case .unconfirmed(let record):
      .success(.get(GetResult(record, age: nil, steps: steps, isUnconfirmed: true)))
    case .notFound:
      .failure(ControlError(.notFound, "the network holds no value for this key", steps: steps))
    case .unreachable(let answered, let needed):
      .failure(
        ControlError(
          .unreachable,
          "\(answered) of the nodes that may hold this key answered, and \(needed) must; try again",
          steps: steps))
    }
  }

  private static func put(_ outcome: PutOutcome) -> Self {
    let result = PutResult(outcome)
    switch outcome.verdict {
    case .stored:
      return .success(.put(result))
    case .quorumFailed:
      if outcome.isForFullStores {
        return .failure(
          ControlError(
            .storageFull, "the stores of the nodes that should hold this key are full; try again later",
            put: result))
      }
      return .failure(
        ControlError(
          .quorumFailed,
          "\(outcome.missedMajority); whether the value lasts is unknown: try again",
          put: result))
    case .unreachable(let answered, let needed):
      return .failure(
        ControlError(
          .unreachable,
          "\(answered) of the nodes that may hold this key answered, and \(needed) must before 'if_seq' can be "
            + "compared; nothing was stored; try again"))
    case .seqExhausted:
      return .failure(
        ControlError(
          .conflict, "the key is at the greatest seq that there is, and nothing can follow; use another key",
          reason: "seq_exhausted"))
    case .conflict(let current):
      let message =
        switch current {
        case 0?: "the key has no value now; nothing was stored"
        case let seq?: "the key is at seq \(seq) now; read it and try again with that"
        case nil: "the key was changed meanwhile; read it and try again with its seq"
        }
      return .failure(ControlError(.conflict, message, seq: current))
    }
  }
}

extension Result where Success == ControlResult, Failure == ControlError {
  /// The same result, or an error if fewer nodes than wanted have confirmed a put.
  func requiring(minCopies: Int64?) -> Self {
    guard let minCopies, case .success(.put(let put)) = self, put.stored < minCopies else { return self }
    let nodes = put.stored == 1 ? "node has" : "nodes have"
    return .failure(
      ControlError(
        .quorumFailed,
        "\(put.stored) \(nodes) confirmed the value, and min_copies asks for \(minCopies); it is stored there: "
          + "try again when more nodes answer",
        put: put))
  }

  /// The same result, or an error if too few nodes answered to confirm the version that was read.
  func requiringConfirmation() -> Self {
    guard case .success(.get(let get)) = self, get.isUnconfirmed else { return self }
    return .failure(
      ControlError(
        .unreachable,
        "a value was found, but too few nodes answered to tell whether it is the newest; try again, or read "
          + "without strict",
        steps: get.steps))
  }
}

/// The advice to a user whose pings are not answered.
private let checks =
  "check that a node runs there, that no firewall is in between, and that its network key is this node's, if there is "
  + "one"

extension BootstrapOutcome {
  /// The reason why no other node was met.
  fileprivate var failure: String {
    var reasons: [String] = []
    if !unanswered.isEmpty {
      reasons.append("nothing answered at \(list(unanswered)) within \(patience.inSeconds); \(checks)")
    }
    if !own.isEmpty {
      reasons.append(
        "\(list(own)) \(own.count == 1 ? "is this node itself" : "are this node itself"); name another node")
    }
    if !duplicates.isEmpty {
      reasons.append(
        "a node with the ID of this node answers at \(list(duplicates)); if its state directory was copied from this "
          + "node's, remove the file identity.key from the copy and restart that node")
    }
    return reasons.joined(separator: "; ")
  }

  private func list(_ endpoints: [Endpoint]) -> String {
    let named = endpoints.prefix(3).map(\.description).joined(separator: ", ")
    return endpoints.count > 3 ? "\(named) and \(endpoints.count - 3) more" : named
  }
}

extension PutOutcome {
  /// The reason why there is no majority, as the beginning of a sentence.
  fileprivate var missedMajority: String {
    let must = "\(counted / 2 + 1) of the \(counted) that should hold the key must"
    let silence = silent > 0 ? " (\(silent) did not respond)" : ""
    return "\(stored) \(stored == 1 ? "node" : "nodes") confirmed, and \(must)\(silence)"
  }

  /// True if full stores, and nothing else, kept the majority from confirming.
  fileprivate var isForFullStores: Bool {
    !failures.isEmpty && failures.allSatisfy(\.reason.isStorageFull)
  }
}
