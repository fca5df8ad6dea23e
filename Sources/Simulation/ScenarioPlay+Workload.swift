import Kademlia
import NodeTime

/// The operations of clients, and their results.
extension ScenarioPlay {
  // MARK: - Keys

  /// Plans the puts of the initial keys during the warm-up.
  mutating func planStores() {
    let (from, to) = (0.3, 0.9)
    let time = Double(scenario.warmUp.nanoseconds)
    for number in 0..<scenario.keys {
      let share = from + (to - from) * Double(number) / Double(scenario.keys)
      agenda.plan(.store(key: newKey()), at: Instant(nanoseconds: Int64(time * share)))
    }
  }

  mutating func newKey() -> Int {
    let name = "key \(keys.count)"
    let target = NodeID(sha1Of: Array(name.utf8))
    keys.append(Key(name: name, target: target))
    network.everHolders[target] = []
    return keys.count - 1
  }

  private func value(of key: Int) -> [UInt8] {
    let text = Array("value of key \(key) ".utf8)
    return (0..<scenario.valueBytes).map { text[$0 % text.count] }
  }

  /// Returns whether the key has not expired by the true clock.
  private func isLive(_ key: Int) -> Bool {
    guard let version = keys[key].version else { return false }
    let wall = network.configuration.epoch.microseconds + network.time.nanoseconds / 1000
    return !version.isExpired(at: WallTime(microseconds: wall))
  }

  // MARK: - Begin

  mutating func begin(_ kind: WorkloadOperation.Kind, key: Int?) {
    guard let host = randomJoinedHost(), let target = target(of: kind, key) else { return }
    // Only existing keys are read.
    if kind == .get || kind == .crowdRead, let key, !isLive(key) { return }
    let name = key.map { Array(keys[$0].name.utf8) } ?? []
    let value = kind == .put ? value(of: key ?? 0) : []
    let ttl = scenario.ttl.nanoseconds / 1_000_000_000
    let isGuarded = scenario.reading == .disjoint
    // The operation is noted before it begins, because it may end at once.
    workload.append(WorkloadOperation(kind: kind, host: host, target: target, key: key))
    do throws(OperationRefusal) {
      try network.track(at: host) { node, now throws(OperationRefusal) in
        switch kind {
        case .lookup: return try node.lookup(now, target)
        case .look: return try node.lookup(now, key: name)
        case .get, .crowdRead:
          return try node.get(now, .plain(key: name), isTraced: true, isGuarded: isGuarded)
        case .put: return try node.put(now, key: name, value: value, ttl: ttl)
        }
      }
      count(kind) { $0.begun += 1 }
    } catch {
      workload.removeLast()
      count(kind) {
        $0.begun += 1
        $0.failed += 1
      }
    }
  }

  private mutating func target(of kind: WorkloadOperation.Kind, _ key: Int?) -> NodeID? {
    guard kind != .lookup else { return NodeID(random: &random) }
    return key.map { keys[$0].target }
  }

  private mutating func count(
    _ kind: WorkloadOperation.Kind, _ change: (inout ScenarioReport.Operations) -> Void
  ) {
    guard isMeasuring else { return }
    switch kind {
    case .lookup: change(&report.lookups)
    case .get: change(&report.gets)
    case .put: change(&report.puts)
    case .crowdRead: change(&report.crowd)
    case .look: break
    }
  }

  // MARK: - Results

  mutating func handleEnd(of operation: WorkloadOperation, _ number: Int, _ outcome: Outcome) {
    guard let measured = network.traffic?.operations[number] else { return }
    let time = network.time
    count(operation.kind) { operations in
      operations.ended += 1
      operations.latency.append(time.since(measured.began).milliseconds)
      operations.queries.append(Double(measured.cost.queries))
      operations.bytes.append(Double(measured.cost.bytes))
    }
    switch outcome {
    case .lookup(let lookup) where operation.kind == .lookup: check(lookup, of: operation)
    case .lookup(let lookup): compare(lookup, of: operation)
    case .tracedGet(let get, let way): check(get, way, of: operation, measured)
    case .put(let put): check(put, of: operation)
    case .get, .ping, .bootstrap: break
    }
  }

  private mutating func check(_ lookup: LookupOutcome, of operation: WorkloadOperation) {
    // An asker that cannot be queried counts itself, and no other node does.
    let counted = lookup.closest.filter {
      $0.peer.id != network[operation.host].id || network[operation.host].isReachable
    }
    let wanted = scenario.parameters.k - (lookup.closest.count - counted.count)
    let truth = index.closest(to: operation.target, count: wanted).map { network[$0].id }
    let found = truth.count { id in counted.contains { $0.peer.id == id } }
    let hops = lookup.closest.first.map { Double($0.hop) }
    count(.lookup) { operations in
      operations.found.append(truth.isEmpty ? 1 : Double(found) / Double(truth.count))
      if found == truth.count { operations.exact += 1 }
      if let hops { operations.hops.append(hops) }
    }
  }

  private mutating func check(
    _ get: GetOutcome, _ way: LookupOutcome, of operation: WorkloadOperation, _ measured: Traffic.Operation
  ) {
    guard let key = operation.key else { return }
    let expected = value(of: key)
    let isExpected = isLive(key)
    let hops = way.closest.first.map { Double($0.hop) }
    let now = network.time
    let isOnFastLine = network.line(of: operation.host).map { $0 < ScenarioReport.slowLine } ?? false
    let met = firstHonestHolder(on: way, key: key, from: operation.host)
    count(operation.kind) { operations in
      if let hops { operations.hops.append(hops) }
      if isOnFastLine { operations.latencyOnFastLines.append(now.since(measured.began).milliseconds) }
      if let met {
        operations.reachable += 1
        if case .after(let hops) = met { operations.holderHops.append(Double(hops)) }
      }
      switch get {
      case .found(let record), .unconfirmed(let record), .cached(let record, _):
        if case .unconfirmed = get { operations.unconfirmed += 1 }
        if record.value != expected { operations.wrong += 1 }
        // A record that the asker holds itself is found at once.
        let first = (measured.firstRecord ?? now).since(measured.began)
        operations.firstAnswer.append(first.milliseconds)
        if isOnFastLine { operations.firstAnswerOnFastLines.append(first.milliseconds) }
      case .notFound:
        if isExpected { operations.failed += 1 }
      case .unreachable:
        operations.unreachable += 1
        if isExpected { operations.failed += 1 }
      }
    }
  }

  private enum HolderDistance {
    case after(hops: Int)
    case noneMet
  }

  /// The distance to the first honest holder that a get met.
  ///
  /// - Returns: the number of hops; nil if there is no holder to meet, or the asker is one.
  private func firstHonestHolder(on way: LookupOutcome, key: Int, from host: Int) -> HolderDistance? {
    guard !adversaries.isEmpty, isLive(key) else { return nil }
    let id = RecordID(.plain, keys[key].target)
    let holders = (network.everHolders[keys[key].target] ?? []).filter {
      network[$0].behaviour == .honest && network[$0].isAlive && network[$0].store.stored(id) != nil
    }
    guard !holders.isEmpty, !holders.contains(host) else { return nil }
    let step = way.steps.first { step in
      step.outcome == .answered && step.held != nil
        && network.host(at: step.peer.endpoint).map { network[$0].behaviour == .honest } ?? false
    }
    return step.map { .after(hops: $0.hop) } ?? .noneMet
  }

  private mutating func check(_ put: PutOutcome, of operation: WorkloadOperation) {
    guard let key = operation.key else { return }
    guard put.verdict == .stored else {
      count(.put) { $0.failed += 1 }
      return
    }
    if put.isWeak { count(.put) { $0.weak += 1 } }
    keys[key].version = put.version
    confirmed.append(key)
    if isMeasuring { agenda.plan(.look(key: key), at: network.time + .seconds(60)) }
  }

  /// Compares the nodes that stored a record with those that a lookup from another node finds.
  private mutating func compare(_ lookup: LookupOutcome, of operation: WorkloadOperation) {
    guard isMeasuring, let key = operation.key, let version = keys[key].version, !lookup.closest.isEmpty
    else { return }
    let holders = lookup.closest.count { $0.held?.seq == version.seq }
    report.agreement.append(Double(holders) / Double(lookup.closest.count))
  }

  // MARK: - Samples

  mutating func sample() {
    var (asked, available, kept, holders) = (0, 0, 0, 0)
    for key in confirmed where isLive(key) {
      asked += 1
      let id = RecordID(.plain, keys[key].target)
      let seq = keys[key].version?.seq ?? 0
      let disks = (network.everHolders[keys[key].target] ?? []).filter {
        !hasLeftForGood[$0] && network[$0].behaviour == .honest
          && (network[$0].store.stored(id)?.record.version.seq ?? -1) >= seq
      }
      let living = disks.count { network[$0].isAlive && network[$0].isReachable }
      holders += living
      if living > 0 { available += 1 }
      if !disks.isEmpty { kept += 1 }
    }
    report.unexpiredKeys = asked
    report.lostKeys = asked - kept
    let all = Double(max(1, asked))
    report.moments.append(
      ScenarioReport.Moment(
        minutes: network.time.since(began).milliseconds / 60_000, nodes: up.count,
        available: Double(available) / all, kept: Double(kept) / all, replicas: Double(holders) / all))
  }
}
