import DequeModule

/// The rounds by which a node looks after records: those that it holds, and those that its users
/// stored.
struct Upkeep: Sendable {
  /// A record that is due.
  struct Task: Sendable {
    let id: RecordID
    let reason: Renewal.Reason
  }

  private var parameters: Parameters
  var replicate: UpkeepRound
  var republish: UpkeepRound
  /// What is done or checked by somebody lately.
  var log: ReplicationLog
  /// What is due and has not begun.
  private var waiting: Deque<Task> = []
  /// How many run.
  private var running = 0
  /// Records that are with fewer than K nodes, for no more were known: they are looked after again when
  /// others have come.
  private var thin: Deque<Task> = []
  private var thinDue: Instant?
  /// How many of them were thin when others came: those that are thin again wait for the next to come.
  private var thinLeft = 0
  private var isRepublishFirst = false
  private var noted: UpkeepProgress
  private var nextNote: Instant

  /// How far a round has come is noted this often.
  private static let noteInterval: Duration = .seconds(60)
  /// The most entries that one step of a round looks at.
  static let visitsAtOnce = 1024
  /// The most records that are remembered as thin. What is forgotten waits for the round.
  private static let rememberedThin = 1024
  /// Nodes that come together are waited for.
  private static let pauseForOthers: Duration = .seconds(5)

  init(
    _ now: Instant, parameters: Parameters, progress: UpkeepProgress,
    random: JobRandom
  ) {
    var random = random
    self.parameters = parameters
    // A round that has never begun begins anywhere: nodes that were started together should not come
    // to the same record together.
    func start(_ noted: RecordID) -> RecordID {
      noted == .first ? RecordID(.plain, NodeID(random: &random)) : noted
    }
    replicate = UpkeepRound(
      now, from: start(progress.replicate), interval: parameters.replicateInterval)
    republish = UpkeepRound(
      now, from: start(progress.republish), interval: parameters.effectiveRepublishInterval)
    log = ReplicationLog(now, salt: random.next())
    noted = progress
    nextNote = now + Self.noteInterval
  }

  mutating func adopt(_ now: Instant, _ new: Parameters) {
    parameters = new
    replicate.adopt(now, interval: new.replicateInterval)
    republish.adopt(now, interval: new.effectiveRepublishInterval)
  }

  var nextDeadline: Instant {
    let next = min(replicate.nextStep, republish.nextStep)
    return thinDue.map { min($0, next) } ?? next
  }

  /// Both rounds in their order, which is the other one the next time: neither takes all the room.
  mutating func order() -> [Renewal.Reason] {
    isRepublishFirst.toggle()
    return isRepublishFirst ? [.republish, .replicate] : [.replicate, .republish]
  }

  /// How many more may be told to be due now.
  var room: Int { max(0, parameters.renewalsPerSecond - waiting.count) }

  mutating func isDue(_ id: RecordID, _ reason: Renewal.Reason) {
    waiting.append(Task(id: id, reason: reason))
  }

  /// A record is with fewer than K nodes, for this node knew no more.
  mutating func isThin(_ id: RecordID, _ reason: Renewal.Reason) {
    guard !thin.contains(where: { $0.id == id }) else { return }
    thin.append(Task(id: id, reason: reason))
    if thin.count > Self.rememberedThin { thin.removeFirst() }
  }

  /// Another node has come.
  mutating func nodeCame(_ now: Instant) {
    guard !thin.isEmpty else { return }
    thinLeft = thin.count
    if thinDue == nil { thinDue = now + Self.pauseForOthers }
  }

  /// Thin records are due when others have come.
  mutating func dueThin(_ now: Instant) {
    guard let due = thinDue, due <= now else { return }
    let count = min(room, thinLeft, thin.count)
    waiting += thin.prefix(count)
    thin.removeFirst(count)
    thinLeft = min(thinLeft - count, thin.count)
    thinDue = thinLeft > 0 ? now + Self.pauseForOthers : nil
  }

  /// The next to begin, if one may; it counts as begun.
  mutating func next() -> Task? {
    // So many that a quarter of a second for each is enough to keep to the rate.
    guard running < max(parameters.parallelRenewals, parameters.renewalsPerSecond / 4),
      let task = waiting.popFirst()
    else { return nil }
    running += 1
    return task
  }

  /// One that had begun has ended.
  mutating func ended() { running -= 1 }

  /// How long a round takes.
  func interval(of reason: Renewal.Reason) -> Duration {
    switch reason {
    case .replicate: parameters.replicateInterval
    case .republish: parameters.effectiveRepublishInterval
    }
  }

  /// Whether somebody has looked after a record not much less than an interval ago.
  func isRecent(_ now: Instant, _ id: RecordID) -> Bool {
    // A little less than the interval: it is the same node's turn again when its next round comes by.
    let interval = parameters.replicateInterval
    return log.isRecent(now, id, within: .nanoseconds(interval.nanoseconds / 10 * 9))
  }

  /// How far the rounds are, where that has changed and is worth noting again.
  mutating func progressToNote(_ now: Instant) -> UpkeepProgress? {
    guard nextNote <= now else { return nil }
    let progress = UpkeepProgress(replicate: replicate.next, republish: republish.next)
    guard progress != noted else { return nil }
    nextNote = now + Self.noteInterval
    noted = progress
    return progress
  }
}

extension Parameters {
  /// A publisher comes no more often than the holders themselves do.
  var effectiveRepublishInterval: Duration { max(replicateInterval, republishInterval) }
}
