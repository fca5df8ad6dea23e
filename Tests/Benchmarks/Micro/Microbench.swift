import ArgumentParser
import CMicrobench
import ControlProtocol

/// The command line of the micro-benchmarks.
@main
struct Microbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtd-microbench",
    abstract: "Measures the parts of dhtd, and whether any has become slow.",
    discussion: """
      Times are the shortest of many samples, and are told in units, too: how many times as long as FNV-1a \
      over 1 KiB takes, measured in turn with it. So the limits hold on other machines. The exit status is 1 \
      if anything is over its limit, of time or of allocations, and stays so when it is measured again.
      """)

  @Option(help: "Only the cases with this in their name.")
  var filter = ""

  @Flag(help: "Print one line of JSON.")
  var json = false

  /// The number of further measurements of a case that exceeds its limit.
  private static let retries = 3
  private static let timePerCase = Duration.milliseconds(200)

  func validate() throws {
    #if DEBUG
      throw ValidationError("this was not optimised: use swift run -c release dhtd-microbench")
    #endif
  }

  func run() throws {
    let cases = Case.all.filter { filter.isEmpty || $0.name.contains(filter) }
    guard !cases.isEmpty else { throw ValidationError("no case has '\(filter)' in its name") }
    // Two threads that work in turn then take the same time whether or not another core was asleep, and the
    // reference meets the core that the cases meet. Where the system will not have it, there is more noise.
    _ = cmicrobench_stay_on_core()
    if !json { print(CaseResult.headings) }
    let results = try cases.map { this in
      let result = try measure(this)
      if !json { print(result.row) }
      return result
    }
    if json { print(String(decoding: try ControlCodec.encodeJSON(results), as: UTF8.self)) }
    if !results.allSatisfy(\.isWithinLimits) { throw ExitCode.failure }
  }

  private func measure(_ subject: Case) throws -> CaseResult {
    let workload = try subject.prepare()
    var best = Measurement(of: workload, for: Self.timePerCase)
    for _ in 0..<Self.retries where !subject.permits(best) {
      best = best.better(Measurement(of: workload, for: Self.timePerCase))
    }
    return CaseResult(subject: subject, measurement: best)
  }
}
