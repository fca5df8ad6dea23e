import NodeTime

/// Drops expired records and publications from the store, a bounded number at a time.
struct Expiry: Job, ~Copyable {
  private var nextRun: Instant
  private var random: JobRandom

  /// The pause before the next batch, if one batch did not drop everything that had expired.
  private static let pauseBetweenBatches: Duration = .seconds(1)

  init(_ now: Instant, _ parameters: Parameters, seed: UInt64) {
    nextRun = now + parameters.expiryInterval
    random = JobRandom(seed: seed, .expiry)
  }

  var nextDeadline: Instant? { nextRun }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard nextRun <= now.monotonic else { return }
    nextRun = now.monotonic + random.jittered(shared.parameters.expiryInterval)
    // A store that hangs is not given the same work again and again.
    guard shared.commits.count < shared.parameters.pendingCommits else { return }
    let limit = shared.parameters.expiredAtOnce
    out.append(.commit(.removeExpired(at: now.wall, limit: limit), for: .expiry(limit: limit)))
  }

  /// Handles the end of a batch.
  ///
  /// - Parameters:
  ///   - count: the number of entries dropped.
  ///   - limit: the most entries that the batch may drop.
  mutating func handleCommit(_ now: Instant, count: Int, limit: Int, _ out: inout [Directive]) {
    out.append(.count(\.recordsExpired, Int64(count)))
    if count >= limit { nextRun = min(nextRun, now + Self.pauseBetweenBatches) }
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    nextRun = min(nextRun, now + shared.parameters.expiryInterval)
  }
}
