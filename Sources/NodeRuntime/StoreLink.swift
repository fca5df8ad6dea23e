import Kademlia
import NodeTime

/// The link between a node and its record store. It collects the changes of an iteration, hands them over
/// together, and watches the health of the store.
struct StoreLink {
  /// A store that has finished no change for this long is reported as stalled.
  static let stallLimit: Duration = .seconds(10)
  /// A store that has refused no record for this long counts as having room again.
  private static let roomDelay: Duration = .seconds(60)

  private let store: any RecordStorage
  private let log: NodeLog
  /// Changes that the store has not been given yet.
  private var batch: [(change: StoreChange, id: CommitID)] = []
  /// The number of changes that the store has been given and has not finished.
  private var unfinished = 0
  /// The time since which the store has finished no change. It is nil while the store has nothing to do, and
  /// after its stall was reported.
  private var waitingSince: Instant?
  /// The time of the last refusal for lack of room; nil while there is room.
  private var lastFull: Instant?
  /// The number of damaged records reported so far.
  private var knownDamage = 0

  init(_ store: any RecordStorage, log: NodeLog) {
    self.store = store
    self.log = log
  }

  /// The reason why the store has failed; nil while it works.
  var failure: String? { store.failure }

  /// True if there are changes that the store has not been given yet.
  var hasChanges: Bool { !batch.isEmpty }

  /// Adds a change to those of this iteration.
  mutating func add(_ change: StoreChange, _ id: CommitID) {
    batch.append((change, id))
  }

  /// Hands the changes of this iteration to the store. They finish together: one wait for the disk serves
  /// them all.
  mutating func submit(_ now: Instant) {
    guard !batch.isEmpty else { return }
    let changes = batch
    batch = []
    if unfinished == 0 { waitingSince = now }
    unfinished += changes.count
    store.submit(changes)
  }

  /// The results of the changes that the store has finished since the last call.
  mutating func takeResults(_ now: Instant) -> [StoreResult] {
    let results = store.takeResults()
    guard !results.isEmpty else { return results }
    unfinished -= results.count
    waitingSince = unfinished > 0 ? now : nil
    for result in results {
      if case .failure(let error) = result.result { handleError(now, error) }
    }
    return results
  }

  private mutating func handleError(_ now: Instant, _ error: StoreError) {
    switch error {
    case .full, .diskFull:
      if lastFull == nil { log.logStoreFull(error) }
      lastFull = now
    case .failed: log.logStoreError(now, error)
    case .superseded: break
    }
  }

  /// Reports a stall, damage, and the end of a lack of room, each once.
  ///
  /// - Parameter usage: the usage of the store.
  mutating func check(_ now: Instant, _ usage: StoreUsage) {
    // A full disk shows only in refusals. Once these have stopped, there is room.
    if let lastFull, usage.fullness < 0.95, now.since(lastFull) > Self.roomDelay {
      self.lastFull = nil
      log.logStoreHasRoom()
    }
    if let waitingSince, now.since(waitingSince) > Self.stallLimit {
      self.waitingSince = nil
      log.logStoreStall(of: Self.stallLimit)
    }
    let damage = store.damagedRecords
    guard damage > knownDamage else { return }
    if knownDamage == 0 { log.logDamagedRecord() }
    knownDamage = damage
  }

  /// Hands over the remaining changes, and closes the store.
  mutating func close() {
    // The callback holds the node, which holds the store.
    store.notify {}
    store.submit(batch)
    batch = []
    store.close()
  }
}
