import Kademlia
import Synchronization

/// Which entries were found damaged, and whether the store is of any use: told by the readers and by
/// the thread that writes.
final class DamageLog: Sendable {
  private struct State {
    var seen: Set<RecordID> = []
    var count = 0
    var failure: String?
    var isMarked = false

    /// Whether the mark is yet to be set. Once is enough, and it waits for the disk.
    mutating func needsMark() -> Bool {
      defer { isMarked = true }
      return !isMarked
    }
  }

  /// The most entries that are remembered, so that one that is read again is not counted again.
  private static let remembered = 10_000

  private let state = Mutex(State())
  private let mark: DirtyFlag

  init(mark: DirtyFlag) { self.mark = mark }

  /// Entries found damaged since the start.
  var count: Int { state.withLock { $0.count } }

  /// Why nothing can be done with the store any more; nil while it can.
  var failure: String? { state.withLock { $0.failure } }

  /// Tells of a damaged entry: the next start looks at all of the file.
  func note(_ id: RecordID) {
    let needsMark = state.withLock { state in
      if state.seen.count >= Self.remembered || state.seen.insert(id).inserted { state.count += 1 }
      return state.needsMark()
    }
    if needsMark { mark.set() }
  }

  /// Tells of an error that leaves the store of no use until it is opened anew, and has the next start
  /// look at all of the file.
  ///
  /// - Returns: whether it is the first.
  @discardableResult
  func noteFailure(_ error: LMDBError) -> Bool {
    let (isFirst, needsMark) = state.withLock { state in
      let isFirst = state.failure == nil
      if isFirst { state.failure = error.reason }
      return (isFirst, state.needsMark())
    }
    if needsMark { mark.set() }
    return isFirst
  }
}
