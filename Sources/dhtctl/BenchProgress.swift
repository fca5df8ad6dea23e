import Glibc

/// A line on a terminal that shows the progress of a benchmark.
struct BenchProgress {
  private static let interval = Duration.milliseconds(200)

  /// The time of the next update; nil if standard error is not a terminal.
  private(set) var next: ContinuousClock.Instant? =
    isatty(STDERR_FILENO) == 1 ? ContinuousClock.now + Self.interval : nil
  private var isShown = false

  mutating func show(
    _ tally: BenchTally, of count: Int, since begin: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) {
    guard let next, now >= next else { return }
    self.next = now + Self.interval
    isShown = true
    Output.printNote(Self.startOfLine + Rendering.benchProgress(tally, of: count, after: now - begin))
  }

  /// Clears the line for the following output.
  mutating func clear() {
    if isShown { Output.printNote(Self.startOfLine) }
    isShown = false
  }

  private static let startOfLine = "\r\u{1B}[K"
}
