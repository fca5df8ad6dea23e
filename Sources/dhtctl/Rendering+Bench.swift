import ControlProtocol

extension Rendering {
  /// The results of a benchmark: a table, and a line for each kind of failure.
  /// - Parameter clientCPU: the CPU that dhtctl itself used, in seconds.
  package static func bench(_ plan: BenchPlan, _ tallies: [BenchTally], clientCPU: Double) -> String {
    var table = TextTable(
      ("OPERATION", .left), ("DONE", .right), ("FAILED", .right), ("PER SECOND", .right), ("MEAN", .right),
      ("P50", .right), ("P90", .right), ("P99", .right), ("P99.9", .right), ("MAX", .right))
    for tally in tallies {
      table.append(
        [
          tally.operation.rawValue, DecimalText.grouped(tally.done), DecimalText.grouped(tally.failed),
          tally.perSecond.map { DecimalText.grouped(Int($0.rounded())) } ?? "-", latency(tally.meanLatency),
        ] + [50, 90, 99, 99.9, 100].map { latency(tally.latency($0)) })
    }
    let elapsed = tallies.reduce(0) { $0 + $1.elapsed / .seconds(1) }
    let share =
      elapsed > 0 ? " (\(DecimalText.fixed(clientCPU / elapsed * 100, digits: 0)) % of the time)" : ""
    let failures = tallies.flatMap { tally in
      tally.failures.map { failures in
        "\(tally.operation.rawValue) failed \(times(failures.count)) with \(safe(failures.reason))"
          + "\(failures.count == 1 ? "" : "; the first"): \(safe(failures.message))\n"
      }
    }
    return """
      Values of \(count(plan.size, "byte")), \(count(plan.inFlight, "request")) in flight, \
      \(count(plan.keys, "key")) that begin with '\(safe(plan.keyPrefix))'

      \(table.text)
      dhtctl used \(DecimalText.fixed(clientCPU, digits: 2)) s of CPU\(share)

      """ + failures.joined()
  }

  /// The progress of an operation, for a line that is overwritten.
  package static func benchProgress(_ tally: BenchTally, of total: Int, after elapsed: Duration) -> String {
    let seconds = elapsed / .seconds(1)
    let rate = seconds > 0 ? Int((Double(tally.ended) / seconds).rounded()) : 0
    let failed = tally.failed == 0 ? "" : ", \(DecimalText.grouped(tally.failed)) failed"
    return "\(tally.operation.rawValue): \(DecimalText.grouped(tally.ended)) of \(DecimalText.grouped(total))"
      + ", \(DecimalText.grouped(rate)) a second\(failed)"
  }

  /// A latency with three significant digits: `0.271 ms`, `21.7 ms`, `1250 ms`.
  private static func latency(_ milliseconds: Double?) -> String {
    guard let milliseconds else { return "-" }
    let digits = milliseconds < 1 ? 3 : milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0
    return DecimalText.fixed(milliseconds, digits: digits) + " ms"
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(DecimalText.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  private static func times(_ number: Int) -> String {
    number == 1 ? "once" : "\(DecimalText.grouped(number)) times"
  }
}
