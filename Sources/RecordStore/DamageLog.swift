import Kademlia
import Synchronization

/// Records the damaged entries, and whether the store has failed. The readers and the writing thread report
/// to it.
final class DamageLog: Sendable {
  private struct State {
    var seen: Set<RecordID> = []
    var count = 0
    var failure: String?
    var isFlagSet = false

    /// Returns whether the dirty flag must be set now. It is set once, because setting it waits for the
    /// disk.
    mutating func startSettingFlag() -> Bool {
      defer { isFlagSet = true }
      return !isFlagSet
    }
  }

  /// The most entries that are remembered, so that an entry that is read again is not counted again.
  private static let remembered = 10_000

  private let state = Mutex(State())
  private let dirtyFlag: DirtyFlag

  init(dirtyFlag: DirtyFlag) { self.dirtyFlag = dirtyFlag }

  /// Entries found damaged since the start.
  var count: Int { state.withLock { $0.count } }

  /// The reason why the store has failed; nil while it works.
  var failure: String? { state.withLock { $0.failure } }

  /// Records a damaged entry, so that the next start searches the file.
  func note(_ id: RecordID) {
    let mustSet = state.withLock { state in
      if state.seen.count >= Self.remembered || state.seen.insert(id).inserted { state.count += 1 }
      return state.startSettingFlag()
    }
    if mustSet { dirtyFlag.set() }
  }

  /// Records an error after which the store cannot be used until it is opened again. The next start searches
  /// the file.
  ///
  /// - Returns: whether it is the first failure.
  @discardableResult
  func noteFailure(_ error: LMDBError) -> Bool {
    let (isFirst, mustSet) = state.withLock { state in
      let isFirst = state.failure == nil
      if isFirst { state.failure = error.reason }
      return (isFirst, state.startSettingFlag())
    }
    if mustSet { dirtyFlag.set() }
    return isFirst
  }
}
