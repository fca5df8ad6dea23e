/// Judges a history of a store in which the last writer of a key wins.
///
/// Knossos searches an order of all operations that explains every result. Here each write has a seq that orders it, so
/// that each read can be judged by itself: against the confirmed writes that had ended when it began. A write whose
/// outcome is unknown may have happened or not, and excuses what it could explain.
///
/// While faults last, an answer is wrong only if the rule of votes forbids it: most of the nodes that count for a key
/// confirm a write, and half of them at least are heard by a read, so that both meet. See `Electorate`. After the heal
/// nothing excuses a lost write.
package struct Checker {
  /// The time by which a clock that is right may differ from another one, the rounding of an expiry included.
  private static let clockTolerance: Duration = .seconds(2)

  private let history: History
  private let reachability: Reachability
  private let writes: [String: [ClientOperation]]
  private var violations: [Violation] = []

  private init(_ history: History) {
    self.history = history
    reachability = Reachability(history)
    writes = Dictionary(grouping: history.operations.filter(\.mayHaveWritten), by: \.key)
  }

  /// Returns the broken promises, in the order of the operations that broke them.
  package static func violations(in history: History) -> [Violation] {
    var checker = Checker(history)
    for operation in history.operations { checker.check(operation) }
    return checker.violations
  }

  private mutating func check(_ operation: ClientOperation) {
    switch operation.kind {
    case .get: checkRead(operation)
    case .put, .compareAndSet, .delete: checkWrite(operation)
    }
  }

  private mutating func report(
    _ promise: Violation.Promise, _ operation: ClientOperation, _ explanation: String,
    with others: [ClientOperation] = []
  ) {
    // The faults from a while before the first of the operations on, and the writes of the key since.
    let first = ([operation] + others).map(\.invoked).min() ?? .zero
    let faults = history.faults.filter {
      $0.time >= first - .seconds(600) && $0.time <= operation.completed
    }
    let writes = (writes[operation.key] ?? []).filter { write in
      write.completed >= first && write.invoked <= operation.completed && write.id != operation.id
    }
    violations.append(
      Violation(
        promise: promise, key: operation.key, explanation: explanation,
        operations: (writes + [operation]).sorted { $0.invoked < $1.invoked }, faults: faults))
  }

  // MARK: - Reads

  private mutating func checkRead(_ read: ClientOperation) {
    switch read.result {
    case .found(let seq, let value, let isUnconfirmed):
      checkOrigin(of: value, seq: seq, read)
      checkVersion(seq, read, isDefinite: !isUnconfirmed)
      if isUnconfirmed { checkRecovery(read) } else { checkVotes(read) }
    case .notFound:
      checkVersion(nil, read, isDefinite: true)
      checkVotes(read)
    case .unreachable, .unanswered: checkRecovery(read)
    case .confirmed, .weak, .unknown, .refused: break
    }
  }

  /// Checks that a value was written, in this version, and is not over.
  private mutating func checkOrigin(of value: String, seq: Int64, _ read: ClientOperation) {
    let origin = (writes[read.key] ?? []).first { $0.value == value }
    guard let origin, origin.invoked <= read.completed else {
      return report(.inventedValue, read, "no write of '\(value)' had begun")
    }
    guard let version = origin.knownVersion else { return }
    guard version.seq == seq else {
      return report(
        .inventedValue, read, "the write of '\(value)' had seq \(version.seq), not \(seq)", with: [origin])
    }
    if let expiry = version.expiry, expiry + Self.clockTolerance < read.invoked,
      reachability.areClocksRight(from: read.invoked, to: read.completed)
    {
      report(.expiredRead, read, "it ended at \(expiry.text)", with: [origin])
    }
  }

  /// Checks that a read, whose answer is of a seq or nothing, does not miss a confirmed write.
  private mutating func checkVersion(_ seq: Int64?, _ read: ClientOperation, isDefinite: Bool) {
    guard let (write, version) = newestConfirmed(before: read), version.seq > seq ?? -1 else { return }
    if seq == nil {
      guard write.kind != .delete, !mayBeGone(version, at: read) else { return }
    }
    if read.phase == .healed {
      let isDeletion = write.kind == .delete || isOver(version, at: read.invoked)
      let answer = seq.map { "seq \($0)" } ?? "not found"
      return report(
        isDeletion ? .deletedReturned : .lostWrite, read,
        "all nodes are back, and seq \(version.seq) was confirmed before: the answer is \(answer)",
        with: [write])
    }
    // An expired version hides an older one only if most of those that answer report it. A liar could otherwise hide any
    // key.
    guard isDefinite, !mayBeGone(version, at: read) || write.kind == .delete,
      mustMeet(write, version, read, misses: seq)
    else { return }
    let promise: Violation.Promise =
      seq == nil ? .falseNotFound : write.kind == .delete ? .deletedReturned : .staleRead
    report(promise, read, explanation(version, read), with: [write])
  }

  /// The newest write that was confirmed before an operation began.
  private func newestConfirmed(before operation: ClientOperation) -> (
    ClientOperation, ClientOperation.Version
  )? {
    (writes[operation.key] ?? []).lazy
      .filter { $0.completed < operation.invoked && $0.id != operation.id }
      .compactMap { write in write.confirmedVersion.map { (write, $0) } }
      // At the same seq a deletion wins.
      .max { ($0.1.seq, $0.0.kind == .delete ? 1 : 0) < ($1.1.seq, $1.0.kind == .delete ? 1 : 0) }
  }

  /// Returns whether a version, or one that may be above it, can have ended or been deleted when a read ends.
  private func mayBeGone(_ version: ClientOperation.Version, at read: ClientOperation) -> Bool {
    // A holder whose clock is ahead drops a record early.
    let latest = read.completed + reachability.greatestLead + Self.clockTolerance
    func mayBeOver(_ version: ClientOperation.Version?) -> Bool {
      version?.expiry.map { $0 <= latest } ?? false
    }
    if mayBeOver(version) { return true }
    return (writes[read.key] ?? []).contains { write in
      // Of two writes with the same seq either may win.
      guard write.invoked <= read.completed, write.mayFollow(version.seq - 1) else { return false }
      if write.kind == .delete || mayBeOver(write.knownVersion) { return true }
      // The expiry of a write without a version is not known exactly.
      guard write.knownVersion == nil, let span = write.timeToLive else { return false }
      let offset = min(.zero, reachability.clock(of: write.node, at: write.invoked))
      return write.invoked + offset + span <= latest
    }
  }

  private func isOver(_ version: ClientOperation.Version, at time: Duration) -> Bool {
    version.expiry.map { $0 <= time } ?? false
  }

  /// Returns whether the votes of a request must have met a confirmed version.
  private func mustMeet(
    _ write: ClientOperation, _ version: ClientOperation.Version, _ request: ClientOperation,
    misses seq: Int64?
  ) -> Bool {
    let electorate = electorate(of: request)
    // A seq ahead of the asker's clock is believed only if most of the nodes heard report it.
    let clock = reachability.clock(of: request.node, at: request.invoked)
    let wall = history.epoch + (request.invoked + clock + .seconds(2)).microseconds
    let isAhead = version.seq > wall
    guard let held = request.held else {
      // Without a view of the stores: the nodes that count must be the same for certain, so that the majority that
      // confirmed is among them.
      let before = self.electorate(of: write)
      return !isAhead && before.members == electorate.members
        && before.members.allSatisfy(before.isCertain) && before.members.allSatisfy(electorate.isCertain)
    }
    func holds(_ node: Int) -> Bool { held[node].map { $0 >= version.seq } ?? false }
    if isAhead { return electorate.members.allSatisfy { holds($0) && electorate.isCertain($0) } }
    // The nodes that certainly count, and those that may count and hold nothing.
    let certain = electorate.members.filter(electorate.isCertain)
    let adverse = electorate.members.filter { !electorate.isCertain($0) && !holds($0) }
    if certain.count(where: holds) >= (certain.count + adverse.count) / 2 + 1 { return true }
    // Nothing is "not found" while a node that is among the closest and answers holds it.
    return seq == nil && electorate.stable.contains(where: holds) && !history.isLossy
  }

  private func explanation(_ version: ClientOperation.Version, _ request: ClientOperation) -> String {
    let electorate = electorate(of: request)
    var text =
      "seq \(version.seq) was confirmed before; of the \(electorate.members.count) nodes that count "
      + "(\(list(electorate.members))), \(list(electorate.voters)) can answer"
    if let held = request.held {
      let holders = (0..<history.nodes).filter { held[$0].map { $0 >= version.seq } ?? false }
      text += ", and \(list(holders)) hold it"
    }
    return text
  }

  private func list(_ nodes: [Int]) -> String {
    nodes.isEmpty ? "none" : nodes.map(String.init).joined(separator: " ")
  }

  private func electorate(of operation: ClientOperation) -> Electorate {
    Electorate(
      operation, reachability, order: history.order[operation.key] ?? Array(0..<history.nodes),
      replicas: history.replicas, history.timing)
  }

  /// Returns whether the node asked must know that it cannot speak for the network.
  private func isCutOff(_ operation: ClientOperation) -> Bool {
    reachability.isCutOff(
      operation.node, at: operation.completed,
      noticedWithin: history.timing.noticing, acquaintance: history.timing.acquaintance)
  }

  /// Checks that a complete answer rests on enough votes.
  private mutating func checkVotes(_ read: ClientOperation) {
    let electorate = electorate(of: read)
    // A node that has met others never speaks for them alone.
    let isAlone = electorate.members.count > 1 && electorate.voters.allSatisfy { $0 == read.node }
    if electorate.voters.count < electorate.neededVotes || isAlone {
      report(
        .untoldUnconfirmed, read,
        "of the \(electorate.members.count) nodes that count (\(list(electorate.members))) only "
          + "\(list(electorate.voters)) can have answered")
    } else if isCutOff(read) {
      report(.untoldUnconfirmed, read, "node \(read.node) is cut off from most of the nodes that it had")
    }
  }

  private mutating func checkRecovery(_ operation: ClientOperation) {
    guard operation.phase == .healed else { return }
    // A version that is ahead of the clocks can be in the way until its time comes: the holders that have it refuse
    // older ones, and the others do not take one so far ahead.
    let wall = history.epoch + (operation.invoked + .seconds(2)).microseconds
    if operation.kind != .get, let held = operation.held, held.contains(where: { $0 ?? 0 > wall }) { return }
    report(.notRecovered, operation, "\(operation.result)")
  }

  // MARK: - Writes

  private mutating func checkWrite(_ write: ClientOperation) {
    switch write.result {
    case .confirmed(let version):
      checkConfirmations(write)
      checkLife(version, write)
      if case .compareAndSet(_, let expected) = write.kind { checkCondition(expected, version, write) }
    case .weak(let version):
      if case .compareAndSet = write.kind { report(.weakConditionalPut, write, "it is to fail instead") }
      checkLife(version, write)
      checkRecovery(write)
    case .unknown: checkRecovery(write)
    case .refused, .unanswered, .unreachable, .found, .notFound: break
    }
  }

  /// Checks that a confirmed write rests on enough nodes.
  private mutating func checkConfirmations(_ write: ClientOperation) {
    let electorate = electorate(of: write)
    if electorate.voters.count < electorate.majority {
      report(
        .untoldWeak, write,
        "of the \(electorate.members.count) nodes that count (\(list(electorate.members))) only "
          + "\(list(electorate.voters)) can have confirmed")
    } else if isCutOff(write) {
      report(.untoldWeak, write, "node \(write.node) is cut off from most of the nodes that it had")
    }
  }

  private mutating func checkLife(_ version: ClientOperation.Version, _ write: ClientOperation) {
    guard let span = write.timeToLive, let expiry = version.expiry,
      expiry < write.invoked + reachability.clock(of: write.node, at: write.invoked) + span
    else { return }
    report(.shortenedLife, write, "it was to live for \(span.text), and ends at \(expiry.text)")
  }

  private mutating func checkCondition(
    _ expected: Int64, _ version: ClientOperation.Version, _ write: ClientOperation
  ) {
    let rival = (writes[write.key] ?? []).first { other in
      guard case .compareAndSet(_, expected) = other.kind, other.id != write.id,
        let won = other.confirmedVersion, other.completed < write.invoked
      else { return false }
      // A key without a value may lose the next one, too.
      return expected > 0 || !mayBeGone(won, at: write)
    }
    if let rival {
      return report(
        .twoConditionalPuts, write, "both asked for seq \(expected); \(explanation(version, write))",
        with: [rival])
    }
    guard let (newest, current) = newestConfirmed(before: write), current.seq > expected else { return }
    if expected == 0 {
      guard newest.kind != .delete, !mayBeGone(current, at: write) else { return }
    }
    guard mustMeet(newest, current, write, misses: expected == 0 ? nil : expected) else { return }
    report(
      .outdatedCondition, write, "it asked for seq \(expected); \(explanation(current, write))",
      with: [newest])
  }
}

extension Duration {
  /// The whole microseconds.
  var microseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }
}
