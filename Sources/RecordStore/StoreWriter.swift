import CLMDB
import Glibc
import Kademlia
import Platform
import Synchronization
import SystemPackage

/// The thread that changes the store. It takes the waiting changes, carries them out in one transaction, and
/// returns the results once they are durable.
final class StoreWriter: Sendable {
  typealias Item = (change: StoreChange, id: CommitID)

  /// The most changes of a transaction, unless a single submission has more.
  static let maxChanges = 4096
  /// The most expired entries that one transaction removes.
  static let maxRemovals = 1000
  /// The most changes of a transaction while the disk is nearly full. LMDB reuses the pages that a
  /// transaction frees only in the next but one, so two transactions must fit into the reserved room.
  /// Otherwise nothing could be changed.
  static let maxOnFullDisk = 16

  private struct Queue {
    /// Changes that were submitted together become durable together.
    var waiting: [[Item]] = []
    var results: [StoreResult] = []
    var usage: StoreUsage
    var progress: UpkeepProgress
    var limit: StoreLimit
    var notify: (@Sendable () -> Void)?
    var isClosing = false
  }

  private let environment: Environment
  private let tables: StoreTables
  private let damage: DamageLog
  private let queue: Mutex<Queue>
  private let wakeup: Wakeup
  private let thread: Mutex<pthread_t?>

  /// Starts the thread.
  ///
  /// - Throws: an error number.
  init(
    _ environment: Environment, _ tables: StoreTables, metadata: StoreMetadata, usage: StoreUsage,
    limit: StoreLimit, damage: DamageLog
  ) throws(LMDBError) {
    self.environment = environment
    self.tables = tables
    self.damage = damage
    queue = Mutex(Queue(usage: usage, progress: metadata.progress, limit: limit))
    do throws(Errno) {
      wakeup = try Wakeup()
    } catch {
      throw LMDBError(error.rawValue)
    }
    thread = Mutex(nil)
    environment.setRoomAside()
    do throws(Errno) {
      let started = try WorkerThread.start { self.run(metadata) }
      thread.withLock { $0 = started }
    } catch {
      throw LMDBError(error.rawValue)
    }
  }

  // MARK: - On any thread

  func submit(_ items: [Item]) {
    guard !items.isEmpty else { return }
    let (isDone, notify) = queue.withLock { queue -> (Bool, (@Sendable () -> Void)?) in
      // Progress need not be durable, and is not worth a write of its own.
      var rest = items
      rest.removeAll { item in
        guard case .noteProgress(let progress) = item.change else { return false }
        queue.progress = progress
        return items.count == 1
      }
      if rest.isEmpty {
        queue.results += items.map { StoreResult(id: $0.id, result: .success(1)) }
        return (true, queue.notify)
      }
      queue.waiting.append(rest)
      return (false, nil)
    }
    if isDone { notify?() } else { wakeup.signal() }
  }

  func takeResults() -> [StoreResult] {
    queue.withLock { queue in
      defer { queue.results = [] }
      return queue.results
    }
  }

  func notify(_ resultsCame: @escaping @Sendable () -> Void) {
    queue.withLock { $0.notify = resultsCame }
  }

  /// Reports results, or the failure of the store.
  func callNotify() { queue.withLock { $0.notify }?() }

  /// The usage after the last commit.
  var usage: StoreUsage {
    queue.withLock { queue in
      var usage = queue.usage
      usage.limit = queue.limit.threshold
      return usage
    }
  }

  var progress: UpkeepProgress { queue.withLock { $0.progress } }

  var limit: StoreLimit {
    get { queue.withLock { $0.limit } }
    set { queue.withLock { $0.limit = newValue } }
  }

  /// Ends the thread after it has carried out the submitted changes, and waits for it.
  func close() {
    queue.withLock { $0.isClosing = true }
    wakeup.signal()
    let started = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let started { pthread_join(started, nil) }
  }

  // MARK: - On its own thread

  private func run(_ metadata: StoreMetadata) {
    var metadata = metadata
    while true {
      let (items, limit, progress, isClosing) = take()
      if items.isEmpty {
        if isClosing {
          if progress != metadata.progress { _ = attempt([], limit, progress, &metadata) }
          return
        }
        wakeup.wait()
        continue
      }
      // A larger limit needs a larger map. If it cannot be mapped, changes that do not fit fail by
      // themselves.
      try? environment.grow(to: limit.maxBytes)
      let results = carryOut(items[...], limit, progress, &metadata)
      queue.withLock { $0.results += results }
      callNotify()
    }
  }

  private func take() -> ([Item], StoreLimit, UpkeepProgress, Bool) {
    queue.withLock { queue in
      var items: [Item] = []
      var groups = 0
      for group in queue.waiting {
        guard groups == 0 || items.count + group.count <= Self.maxChanges else { break }
        items += group
        groups += 1
      }
      queue.waiting.removeFirst(groups)
      return (items, queue.limit, queue.progress, queue.isClosing)
    }
  }

  /// Carries out changes, in one transaction if possible.
  private func carryOut(
    _ items: ArraySlice<Item>, _ limit: StoreLimit, _ progress: UpkeepProgress,
    _ metadata: inout StoreMetadata
  ) -> [StoreResult] {
    guard let first = items.first else { return [] }
    let isShort = isShortOfDisk
    let mostRemovals = isShort ? Self.maxOnFullDisk : Self.maxRemovals
    if let large = items.firstIndex(where: { ($0.change.removals ?? 0) > mostRemovals }) {
      return carryOut(items[..<large], limit, progress, &metadata)
        + [removeInParts(items[large], of: mostRemovals, limit, progress, &metadata)]
        + carryOut(items[(large + 1)...], limit, progress, &metadata)
    }
    if isShort, items.count > Self.maxOnFullDisk {
      let middle = items.startIndex + items.count / 2
      return carryOut(items[..<middle], limit, progress, &metadata)
        + carryOut(items[middle...], limit, progress, &metadata)
    }
    switch attempt(items, limit, progress, &metadata) {
    case .success(let results): return results
    case .failure(let error):
      // The failing change is found by bisection, so that only that one fails.
      if items.count > 1, damage.failure == nil {
        let middle = items.startIndex + items.count / 2
        return carryOut(items[..<middle], limit, progress, &metadata)
          + carryOut(items[middle...], limit, progress, &metadata)
      }
      if let count = first.change.removals, count > 1, damage.failure == nil {
        return [removeInParts(first, of: count / 2, limit, progress, &metadata)]
      }
      let reason = storeError(error, limit)
      return items.map { StoreResult(id: $0.id, result: .failure(reason)) }
    }
  }

  private var isShortOfDisk: Bool {
    guard let bytes = environment.bytesOnDisk else { return false }
    return bytes < usage.bytes + Environment.roomSetAside
  }

  /// Removes expired entries in several transactions. A transaction copies each page that it changes, and a
  /// full store has room for few copies.
  private func removeInParts(
    _ item: Item, of size: Int, _ limit: StoreLimit, _ progress: UpkeepProgress,
    _ metadata: inout StoreMetadata
  ) -> StoreResult {
    guard case .removeExpired(let now, var left) = item.change else {
      return StoreResult(id: item.id, result: .success(0))
    }
    var removed = 0
    var size = size
    while left > 0 {
      size = min(size, left)
      let part = (change: StoreChange.removeExpired(at: now, limit: size), id: item.id)
      switch attempt([part], limit, progress, &metadata) {
      case .success(let results):
        let count = (try? results.first?.result.get()) ?? 0
        removed += count
        left -= count
        if count < size { left = 0 }
      case .failure(let error):
        guard size > 1, damage.failure == nil else {
          return StoreResult(
            id: item.id, result: removed > 0 ? .success(removed) : .failure(storeError(error, limit)))
        }
        size /= 2
      }
    }
    return StoreResult(id: item.id, result: .success(removed))
  }

  /// Carries out one transaction.
  private func attempt(
    _ items: ArraySlice<Item>, _ limit: StoreLimit, _ progress: UpkeepProgress,
    _ metadata: inout StoreMetadata
  ) -> Result<[StoreResult], LMDBError> {
    do throws(LMDBError) {
      // Only this function and its batch use the transaction, and neither does after it has ended.
      let transaction = try environment.beginWriting()
      var batch = Batch(
        transaction: transaction, tables: tables, limit: limit, pageSize: environment.pageSize,
        damage: damage, metadata: metadata)
      batch.metadata.progress = progress
      batch.bytesOnDisk = environment.bytesOnDisk ?? .max
      var results: [StoreResult] = []
      results.reserveCapacity(items.count)
      let usage: StoreUsage
      do throws(LMDBError) {
        for (change, id) in items {
          results.append(StoreResult(id: id, result: try batch.carryOut(change)))
        }
        if !batch.isChanged, !items.isEmpty {
          // There is nothing to write: nothing had expired, or the changes were already stored.
          unsafe transaction.abort()
          return .success(results)
        }
        try batch.finish()
        usage = try tables.usage(in: transaction, metadata: batch.metadata, pageSize: environment.pageSize)
      } catch {
        unsafe transaction.abort()
        throw error
      }
      do throws(LMDBError) {
        try unsafe transaction.commit()
      } catch {
        // A failed write of a meta page ends the environment, under the error of the write.
        if environment.hasFailed { damage.noteFailure(error) }
        throw error
      }
      environment.fillUp()
      environment.setRoomAside()
      metadata = batch.metadata
      queue.withLock { $0.usage = usage }
      return .success(results)
    } catch {
      if error.isFatal { damage.noteFailure(error) }
      return .failure(error)
    }
  }

  private func storeError(_ error: LMDBError, _ limit: StoreLimit) -> StoreError {
    if error.code == MDB_MAP_FULL { return .full(limit: limit.maxBytes) }
    if error.isDiskFull { return .diskFull }
    // LMDB reports a short write as an I/O error, and a full disk causes short writes.
    if error.code == EIO, let left = environment.bytesLeftOnDisk, left < 1 << 20 { return .diskFull }
    return .failed(damage.failure ?? error.reason)
  }
}

extension StoreChange {
  /// The number of entries that the change may remove; nil unless it removes expired ones.
  fileprivate var removals: Int? {
    if case .removeExpired(_, let limit) = self { limit } else { nil }
  }
}
