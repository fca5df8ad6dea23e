import DequeModule
import NodeTime

/// Looks up a random ID in each bucket that no lookup has crossed for long (paper, section 2.3; BEP 5).
struct Refresh: Job, ~Copyable {
  private var nextScan: Instant
  /// The buckets to refresh, one after the other.
  private var queue: Deque<Int> = []
  private var random: JobRandom

  init(_ now: Instant, _ parameters: Parameters, seed: UInt64) {
    nextScan = now + parameters.refreshInterval
    random = JobRandom(seed: seed, .refresh)
  }

  var nextDeadline: Instant? { nextScan }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard nextScan <= now.monotonic else { return }
    let interval = shared.parameters.refreshInterval
    let stale = now.monotonic + (.zero - interval)
    var next = now.monotonic + random.jittered(interval)
    let neighbourhood = shared.table.deepestBuckets(holding: 2 * shared.parameters.k)
    var isNeighbourhoodRefreshed = false
    if let deepest = shared.table.deepest {
      for bucket in 0...deepest {
        guard var last = shared.table.lastLookup(inBucket: bucket) else { continue }
        let isNeighbour = neighbourhood?.contains(bucket) ?? false
        if isNeighbour, isNeighbourhoodRefreshed { last = now.monotonic }
        if last > stale {
          next = min(next, last + random.jittered(interval))
        } else if isNeighbour, let neighbourhood {
          isNeighbourhoodRefreshed = true
          refresh(neighbourhood: neighbourhood, shared, &out)
        } else if !shared.table.isWellKnown(bucket: bucket) {
          enqueue(bucket)
        }
      }
    }
    // A bucket that becomes stale while others are refreshed does not cause another scan at once.
    nextScan = max(next, now.monotonic + shared.parameters.livenessInterval)
    startNext(shared, &out)
  }

  /// Refreshes all buckets of the neighbourhood with one wide lookup next to this node. The target is not
  /// this node's own ID, because that would announce this node as newly started.
  private mutating func refresh(
    neighbourhood: ClosedRange<Int>, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    out.append(.touch(neighbourhood))
    let nearest = Distance.random(inBucket: NodeID.bitWidth - 1, using: &random)
    out.append(.look(up: shared.id.at(nearest), .refresh, width: 2 * shared.parameters.k))
  }

  private mutating func enqueue(_ bucket: Int) {
    if !queue.contains(bucket) { queue.append(bucket) }
  }

  /// Refreshes some buckets, beginning with the first.
  mutating func refresh(_ buckets: Range<Int>, _ shared: borrowing Shared, _ out: inout [Directive]) {
    for bucket in buckets { enqueue(bucket) }
    startNext(shared, &out)
  }

  /// Handles the end of one of this job's lookups.
  mutating func handleLookupEnd(_ shared: borrowing Shared, _ out: inout [Directive]) {
    startNext(shared, &out)
  }

  private mutating func startNext(_ shared: borrowing Shared, _ out: inout [Directive]) {
    guard let bucket = queue.popFirst() else { return }
    let distance = Distance.random(inBucket: bucket, using: &random)
    out.append(.look(up: shared.id.at(distance), .refresh, width: nil))
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    nextScan = min(nextScan, now + shared.parameters.refreshInterval)
  }
}
