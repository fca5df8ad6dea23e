/// A set of record IDs in their order, for stores that keep their records in a hash table.
///
/// Two levels: short sorted runs in a sorted array. Insertion and removal move a few hundred IDs, and
/// a walk from any point on costs a search and then nothing.
struct SortedIDs {
  private static let longestRun = 512
  /// None is empty.
  private var runs: [[RecordID]] = []

  /// The run that an ID is in, or would be.
  private func run(of id: RecordID) -> Int {
    // The last whose first ID is not above it.
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if let first = runs[middle].first, first <= id { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }

  /// Where in its run an ID is, or would be.
  private func place(of id: RecordID, in run: [RecordID]) -> Int {
    var low = 0
    var high = run.count
    while low < high {
      let middle = (low + high) / 2
      if run[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds an ID; one that is there stays as it is.
  mutating func insert(_ id: RecordID) {
    guard !runs.isEmpty else {
      runs = [[id]]
      return
    }
    let index = run(of: id)
    let place = place(of: id, in: runs[index])
    if place < runs[index].count, runs[index][place] == id { return }
    runs[index].insert(id, at: place)
    guard runs[index].count > Self.longestRun else { return }
    let half = Array(runs[index].suffix(Self.longestRun / 2))
    runs[index].removeLast(half.count)
    runs.insert(half, at: index + 1)
  }

  /// Takes an ID out, if it is there.
  mutating func remove(_ id: RecordID) {
    guard !runs.isEmpty else { return }
    let index = run(of: id)
    let place = place(of: id, in: runs[index])
    guard place < runs[index].count, runs[index][place] == id else { return }
    runs[index].remove(at: place)
    if runs[index].isEmpty { runs.remove(at: index) }
  }

  /// At most `limit` IDs in their order, from `first` on.
  func from(_ first: RecordID, limit: Int) -> [RecordID] {
    guard !runs.isEmpty, limit > 0 else { return [] }
    var found: [RecordID] = []
    var index = run(of: first)
    var place = place(of: first, in: runs[index])
    while index < runs.count, found.count < limit {
      found += runs[index].dropFirst(place).prefix(limit - found.count)
      index += 1
      place = 0
    }
    return found
  }
}
