/// The output of `bench --json`.
package struct BenchResult: Encodable, Sendable {
  /// The figures of one operation; times in seconds, latencies in milliseconds.
  package struct Figures: Encodable, Sendable {
    let operation: BenchOperation
    let done: Int
    let failed: Int
    let seconds: Double
    let perSecond: Double?
    let latency: Latency?
    let failures: [Failure]

    private enum CodingKeys: String, CodingKey {
      case operation, done, failed, seconds, latency, failures
      case perSecond = "per_second"
    }
  }

  /// The latencies of the operations that succeeded.
  struct Latency: Encodable, Sendable {
    let mean, min, p50, p90, p99, p999, max: Double?
  }

  /// The failures of one kind.
  struct Failure: Encodable, Sendable {
    let code: Int?
    let reason: String
    let count: Int
    let message: String
  }

  private let operations: [Figures]
  private let inFlight: Int
  private let size: Int
  private let keys: Int
  private let keyPrefix: String
  private let clientCPU: Double

  private enum CodingKeys: String, CodingKey {
    case operations, size, keys
    case inFlight = "in_flight"
    case keyPrefix = "key_prefix"
    case clientCPU = "client_cpu"
  }

  /// - Parameter clientCPU: the CPU that dhtctl itself used, in seconds.
  package init(_ plan: BenchPlan, _ tallies: [BenchTally], clientCPU: Double) {
    inFlight = plan.inFlight
    size = plan.size
    keys = plan.keys
    keyPrefix = plan.keyPrefix
    self.clientCPU = clientCPU
    operations = tallies.map { tally in
      Figures(
        operation: tally.operation, done: tally.done, failed: tally.failed,
        seconds: tally.elapsed / .seconds(1),
        perSecond: tally.perSecond,
        latency: tally.done == 0
          ? nil
          : Latency(
            mean: tally.meanLatency, min: tally.latency(0), p50: tally.latency(50), p90: tally.latency(90),
            p99: tally.latency(99), p999: tally.latency(99.9), max: tally.latency(100)),
        failures: tally.failures.map {
          Failure(code: $0.code, reason: $0.reason, count: $0.count, message: $0.message)
        })
    }
  }
}
