package import ControlProtocol
import Histogram

/// What was measured of one operation of a benchmark.
package struct BenchTally {
  /// Failures of one kind.
  package struct Failures: Hashable, Sendable {
    /// The daemon's code; nil where dhtctl itself found the answer wrong.
    package var code: Int?
    /// The word for it.
    package var reason: String
    /// How many there were.
    package var count: Int
    /// What the first of them said.
    package var message: String
  }

  /// A daemon that makes up codes gets no more lines than this.
  private static let maxKinds = 16
  private static let longestNanoseconds: UInt64 = 86_400_000_000_000

  /// What was done.
  package let operation: BenchOperation
  /// How many were done as they should be.
  package private(set) var done = 0
  /// Those that were not, by their code, in the order in which the codes first came.
  package private(set) var failures: [Failures] = []
  /// From the first request to the last answer.
  package var elapsed: Duration = .zero
  /// Of those that were done, in nanoseconds, to three digits.
  private var latencies = Histogram<UInt64>(
    lowestDiscernibleValue: 512, highestTrackableValue: Self.longestNanoseconds,
    numberOfSignificantValueDigits: .three)

  /// Nothing was measured yet.
  package init(_ operation: BenchOperation) { self.operation = operation }

  /// How many did not end as they should.
  package var failed: Int { failures.reduce(0) { $0 + $1.count } }

  /// How many have ended.
  package var ended: Int { done + failed }

  /// How many were done in a second; nil before there was any time.
  package var perSecond: Double? {
    let seconds = Self.nanoseconds(elapsed) / 1e9
    return seconds > 0 ? Double(done) / seconds : nil
  }

  /// Counts one that was done.
  package mutating func succeed(after latency: Duration) {
    done += 1
    let nanoseconds = min(max(0, Self.nanoseconds(latency)), Double(Self.longestNanoseconds))
    latencies.record(UInt64(nanoseconds))
  }

  /// Counts one that the daemon answered with an error.
  package mutating func fail(_ error: ControlError) {
    count(code: error.code.rawValue, reason: error.data.reason, message: Rendering.error(error))
  }

  /// Counts one whose answer is wrong.
  package mutating func fail(reason: String, _ message: String) {
    count(code: nil, reason: reason, message: message)
  }

  private mutating func count(code: Int?, reason: String, message: String) {
    let known = failures.firstIndex { $0.code == code && (code != nil || $0.reason == reason) }
    if let index = known ?? (failures.count < Self.maxKinds ? nil : failures.indices.last) {
      failures[index].count += 1
    } else {
      failures.append(Failures(code: code, reason: reason, count: 1, message: message))
    }
  }

  /// The latency that so many percent of those done were within, in milliseconds; nil where none was done.
  /// - Parameter percent: 0 for the shortest, 100 for the longest.
  package func latency(_ percent: Double) -> Double? {
    done == 0 ? nil : Double(latencies.valueAtPercentile(percent)) / 1e6
  }

  /// The mean latency of those done, in milliseconds; nil where none was.
  package var meanLatency: Double? { done == 0 ? nil : latencies.mean / 1e6 }

  private static func nanoseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
  }
}
