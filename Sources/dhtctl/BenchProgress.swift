import Glibc

/// A line on a terminal that tells how far a benchmark has come.
struct BenchProgress {
  private static let interval = Duration.milliseconds(200)

  /// When it is to be written anew; nil where nobody would see it.
  private(set) var next: ContinuousClock.Instant? =
    isatty(STDERR_FILENO) == 1 ? ContinuousClock.now + Self.interval : nil
  private var isShown = false

  mutating func show(
    _ tally: BenchTally, of count: Int, since begin: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) {
    guard let next, now >= next else { return }
    self.next = now + Self.interval
    isShown = true
    Output.remark(Self.startOfLine + Rendering.benchProgress(tally, of: count, after: now - begin))
  }

  /// Leaves the line empty for whatever comes next.
  mutating func clear() {
    if isShown { Output.remark(Self.startOfLine) }
    isShown = false
  }

  private static let startOfLine = "\r\u{1B}[K"
}
