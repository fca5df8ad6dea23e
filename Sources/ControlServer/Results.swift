import ControlProtocol
import Kademlia
import NodeRuntime
import NodeTime
import Signatures

/// The node's outcomes and state in the words of the control socket.

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
    case .ping(.unanswered(let duration)):
      self = .failure(
        ControlError(
          .unreachable, "no answer within \(duration.inSeconds); check the address and that a node runs there"
        ))
    case .ping(.refused(let error)):
      self = .failure(
        ControlError(.unreachable, "the node there refuses to answer: \(error)", reason: "refused"))
    case .bootstrap(let peers):
      let nodes = peers.map { MetNode(nodeID: "\($0.id)", address: "\($0.endpoint)") }
      self =
        nodes.isEmpty
        ? .failure(
          ControlError(
            .unreachable, "no node answered; check the addresses and that a node runs there"))
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
          "\(outcome.stored) of \(outcome.replicas) nodes confirmed, fewer than half; "
            + "whether the value lasts is unknown: try again",
          put: result))
    case .unreachable(let answered, let needed):
      return .failure(
        ControlError(
          .unreachable,
          "\(answered) of the nodes that may hold this key answered, and \(needed) must before 'if_seq' can be "
            + "compared; nothing was stored; try again"))
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

extension PutOutcome {
  /// Whether full stores, and nothing else, kept the majority from confirming.
  fileprivate var isForFullStores: Bool {
    !failures.isEmpty && failures.allSatisfy(\.reason.isStorageFull)
  }
}

extension ControlError {
  init(_ refusal: OperationRefusal) {
    switch refusal {
    case .emptyKey:
      self = .invalidParam("key", "a key has at least one byte")
    case .tooLarge(let size, let limit):
      self.init(
        .tooLarge,
        "key and value have \(size) bytes together, and \(limit) is the limit; store less under one key")
    case .saltTooLarge(let size, let limit):
      self.init(
        .tooLarge,
        "the name of a signed record has \(size) bytes, and \(limit) is the limit; choose a shorter one")
    case .badSignature:
      self = .invalidParam(
        "signature", "the signature is not that key's over this name, seq and value; sign them anew")
    case .ttlOutOfRange(let limit):
      self = .invalidParam("ttl", "ttl must be from 1 to \(limit) seconds")
    case .busy(let limit):
      self.init(
        .busy,
        "\(limit) operations, queries, look-ups of names or changes of the store are under way already; "
          + "try again in a moment")
    }
  }

  static func unresolved(_ addresses: [HostPort]) -> ControlError {
    let names = addresses.map(\.description).joined(separator: ", ")
    return ControlError(
      .unreachable, "cannot reach \(names): no such host, or of an address family that is not bound",
      reason: "unresolved")
  }
}

extension PutResult {
  init(_ outcome: PutOutcome) {
    self.init(
      target: "\(outcome.target)", seq: outcome.version.seq, expires: outcome.version.expiry,
      stored: Int64(outcome.stored), replicas: Int64(outcome.replicas), silent: Int64(outcome.silent),
      isWeak: outcome.isWeak,
      failures: outcome.failures.map { failure in
        PutFailure(
          nodeID: "\(failure.peer.id)", address: "\(failure.peer.endpoint)", reason: "\(failure.reason)")
      })
  }
}

extension GetResult {
  init(_ record: Record, age: Int64?, steps: [LookupStep]?, isUnconfirmed: Bool = false) {
    let content = record.id.kind == .plain ? record.value : SignedText.content(of: record.value)
    self.init(
      value: content ?? record.value, seq: record.version.seq, expires: record.version.expiry,
      target: "\(record.target)", age: age, steps: steps, isUnconfirmed: isUnconfirmed)
    kind = RecordKindName(record.id.kind)
    isBencoded = content == nil
  }
}

extension HeldKey {
  init(_ record: Record) {
    self.init(
      key: record.key, target: "\(record.target)", seq: record.version.seq,
      expires: record.version.expiry, size: Int64(record.value.count))
    kind = RecordKindName(record.id.kind)
    if case .signed(let authorship) = record.binding { publicKey = Hex.string(authorship.owner.bytes) }
  }
}

extension RecordKindName {
  init(_ kind: RecordKind) {
    switch kind {
    case .plain: self = .plain
    case .immutable: self = .immutable
    case .signed: self = .signed
    }
  }
}

extension LookupResult {
  init(_ outcome: LookupOutcome) {
    self.init(
      target: "\(outcome.target)",
      closest: outcome.closest.map { candidate in
        LookupNode(
          nodeID: "\(candidate.peer.id)", address: "\(candidate.peer.endpoint)",
          rtt: candidate.roundTrip?.milliseconds, held: candidate.held.map(HeldVersion.init))
      },
      steps: outcome.steps.map(LookupStep.init))
  }
}

extension LookupStep {
  init(_ step: LookupOutcome.Step) {
    self.init(
      hop: Int64(step.hop), nodeID: "\(step.peer.id)", address: "\(step.peer.endpoint)",
      rtt: step.roundTrip?.milliseconds, outcome: step.outcome.rawValue,
      held: step.held.map(HeldVersion.init))
  }
}

extension HeldVersion {
  init(_ version: RecordVersion) {
    self.init(seq: version.seq, expires: version.expiry, deleted: version.isTombstone)
  }
}

extension PeersResult {
  init(_ contacts: [ContactSnapshot]) {
    self.init(
      peers: contacts.map { contact in
        ControlProtocol.Peer(
          nodeID: "\(contact.id)", address: "\(contact.endpoint)",
          addresses: contact.alternate.map { ["\(contact.endpoint)", "\($0)"] },
          bucket: Int64(contact.bucket), rtt: contact.roundTrip?.milliseconds,
          age: contact.age.components.seconds, lastSeen: contact.silence.components.seconds,
          state: contact.isGood ? .good : .questionable, proven: contact.isProven)
      })
  }
}

extension StatusResult {
  init(_ node: NodeSnapshot, version: String, recordKey: PublicKey) {
    self.init()
    let counters = node.counters
    nodeID = "\(node.id)"
    addresses = node.endpoints.map(\.description)
    address = addresses.first ?? ""
    self.version = version
    self.recordKey = Hex.string(recordKey.bytes)
    uptime = node.uptime.components.seconds
    state = node.isJoined ? .ready : .joining
    buckets = node.buckets.map { BucketStatus(index: Int64($0.index), nodes: Int64($0.contacts)) }
    knownNodes = Int64(node.contacts)
    storedKeys = Int64(node.usage.values)
    storedBytes = Int64(node.usage.valueBytes)
    storedTombstones = Int64(node.usage.tombstones)
    publishedKeys = Int64(node.usage.publications)
    cachedKeys = Int64(node.cachedRecords)
    cachedBytes = Int64(node.cachedBytes)
    storageUsed = Int64(node.usage.bytes)
    storageLimit = Int64(node.usage.limit)
    durability = node.isDurable ? .disk : .memory
    recordsDamaged = Int64(node.damagedRecords)
    recordsExpired = counters.recordsExpired
    replications = counters.replications
    replicationsSkipped = counters.replicationsSkipped
    republications = counters.republications
    recordsForged = counters.forgedRecords
    proofsAccepted = counters.proofsAccepted
    proofsRefused = counters.proofsRefused
    publicationsFailed = counters.publicationsFailed
    handOffs = counters.handOffs
    replicasSent = counters.replicasSent
    getsOK = counters.getsOK
    getsNotFound = counters.getsNotFound
    getsFailed = counters.getsFailed
    putsOK = counters.putsOK
    putsFailed = counters.putsFailed
    latency = node.roundTrip?.milliseconds
    queriesSent = counters.queriesSent
    queriesAnswered = counters.queriesReceived
    queriesTimedOut = counters.queriesFailed
    queriesResent = counters.queriesResent
    strayAnswers = counters.strayAnswers
    recordsStored = counters.recordsStored
    recordsRefused = counters.recordsRefused
    repairsSent = counters.repairsSent
    datagramsDropped = node.droppedDatagrams
    responsesReceived = counters.responsesReceived
    datagramsMalformed = counters.datagramsMalformed
    pendingOperations = Int64(node.pendingOperations)
    requestsRefused = counters.requestsRefused
    requestsOverSourceLimit = counters.requestsOverSourceLimit
    requestsOverTotalLimit = counters.requestsOverTotalLimit
    answersWithheld = counters.answersWithheld
    storesOverLimit = counters.storesOverLimit
    sealing = node.sealing.map(SealingStatus.init)
  }
}

extension SealingStatus {
  fileprivate init(_ sealing: SealingSnapshot) {
    self.init(network: sealing.network)
    keys = Int64(sealing.keys)
    sessions = Int64(sealing.sessions)
    opened = sealing.opened
    notSealed = sealing.notSealed
    wrongKey = sealing.wrongKey
    replayed = sealing.replayed
    untimely = sealing.untimely
    tooMany = sealing.tooMany
  }
}
