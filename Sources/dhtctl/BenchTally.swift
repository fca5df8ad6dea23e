package import ControlProtocol
import Histogram

/// The measurements of one operation of a benchmark.
package struct BenchTally {
  /// Failures of one kind.
  package struct Failures: Hashable, Sendable {
    /// The daemon's code; nil if dhtctl found the answer to be wrong.
    package var code: Int?
    /// The reason.
    package var reason: String
    /// The number of failures.
    package var count: Int
    /// The message of the first failure.
    package var message: String
  }

  /// The most kinds of failures that are kept, whatever codes a daemon sends.
  private static let maxKinds = 16
  private static let longestNanoseconds: UInt64 = 86_400_000_000_000

  /// The operation.
  package let operation: BenchOperation
  /// The number of operations that succeeded.
  package private(set) var done = 0
  /// The failures by code, in the order in which the codes first occurred.
  package private(set) var failures: [Failures] = []
  /// The time from the first request to the last answer.
  package var elapsed: Duration = .zero
  /// The latencies of the operations that succeeded, in nanoseconds, to three digits.
  private var latencies = Histogram<UInt64>(
    lowestDiscernibleValue: 512, highestTrackableValue: Self.longestNanoseconds,
    numberOfSignificantValueDigits: .three)

  /// A tally without measurements.
  package init(_ operation: BenchOperation) { self.operation = operation }

  /// The number of operations that failed.
  package var failed: Int { failures.reduce(0) { $0 + $1.count } }

  /// The number of operations that have ended.
  package var ended: Int { done + failed }

  /// The operations that succeeded per second; nil if no time has passed.
  package var perSecond: Double? {
    let seconds = Self.nanoseconds(elapsed) / 1e9
    return seconds > 0 ? Double(done) / seconds : nil
  }

  /// Counts an operation that succeeded.
  package mutating func succeed(after latency: Duration) {
    done += 1
    let nanoseconds = min(max(0, Self.nanoseconds(latency)), Double(Self.longestNanoseconds))
    latencies.record(UInt64(nanoseconds))
  }

  /// Counts an operation that the daemon answered with an error.
  package mutating func fail(_ error: ControlError) {
    count(code: error.code.rawValue, reason: error.data.reason, message: Rendering.error(error))
  }

  /// Counts an operation with a wrong answer.
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

  /// A percentile of the latencies of successful operations, in milliseconds; nil if there were none.
  /// - Parameter percent: 0 for the shortest, 100 for the longest.
  package func latency(_ percent: Double) -> Double? {
    done == 0 ? nil : Double(latencies.valueAtPercentile(percent)) / 1e6
  }

  /// The mean latency of successful operations, in milliseconds; nil if there were none.
  package var meanLatency: Double? { done == 0 ? nil : latencies.mean / 1e6 }

  private static func nanoseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
  }
}
