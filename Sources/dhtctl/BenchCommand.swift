import ArgumentParser
import ControlProtocol
import Glibc

struct BenchCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast the node puts and gets.",
    discussion: """
      Works on keys of its own, whose values expire by themselves. Every value that is read is compared byte \
      for byte. Exit status 1 if any operation failed; Ctrl-C ends it with what was measured until then.
      """)

  static let maxCount = 1_000_000_000
  static let maxSize = 64 * 1024

  @OptionGroup var options: GlobalOptions
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What to measure, one after another: put, get, or miss (a get of a key without a value). (default: put,get,miss)",
      valueName: "list"),
    transform: { text in
      try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
        guard let operation = BenchOperation(rawValue: String(word)) else {
          let names = BenchOperation.allCases.map(\.rawValue).joined(separator: ", ")
          throw ValidationError("the operations are \(names), separated by commas")
        }
        return operation
      }
    })
  var ops: [BenchOperation] = BenchOperation.allCases
  @Option(
    parsing: .unconditional, help: ArgumentHelp("The number of operations of each kind.", valueName: "n"))
  var count = 10_000
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The number of requests to run at once; the node allows 256.", valueName: "n"))
  var inFlight = 64
  @Option(parsing: .unconditional, help: ArgumentHelp("The length of a value, in bytes.", valueName: "bytes"))
  var size = 100
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The number of different keys to use. (default: the same as --count)", valueName: "n"))
  var keys: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The prefix of the keys. With the prefix of an earlier run, get reads its values. (default: a new prefix)",
      valueName: "text"))
  var keyPrefix: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How long the values live: seconds, or a number with s, m, h, d or w. (default: 1h)", valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text), (1...ControlLimits.maxTTL).contains(seconds) else {
        throw ValidationError("use for example 90s, 2h or 7d (at most 30d)")
      }
      return seconds
    })
  var ttl: Int64 = 3_600

  func validate() throws {
    try check(count, "--count", 1...Self.maxCount)
    try check(inFlight, "--in-flight", 1...ControlLimits.maxRequestsInFlight)
    try check(size, "--size", 0...Self.maxSize)
    if let keys { try check(keys, "--keys", 1...Self.maxCount) }
    let firstPut = ops.firstIndex(of: .put) ?? ops.endIndex
    if keyPrefix == nil, let firstGet = ops.firstIndex(of: .get), firstGet < firstPut {
      throw ValidationError(
        "get reads the values that put stored; name put before get, or give --key-prefix of an earlier run")
    }
  }

  private func check(_ number: Int, _ option: String, _ range: ClosedRange<Int>) throws {
    if !range.contains(number) {
      throw ValidationError("\(option) must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// The plan that the options ask for.
  var plan: BenchPlan {
    BenchPlan(
      operations: ops, count: count, inFlight: inFlight, size: size, keys: keys ?? count,
      keyPrefix: keyPrefix ?? "bench-\(String(UInt32.random(in: 0 ... .max), radix: 36))-", ttl: ttl)
  }

  func run() throws {
    let plan = plan
    let interruption = Interruption()
    let (tallies, cutShort) = try measure(plan, interruption: interruption.descriptor)
    let cpu = Self.cpuSeconds()
    try options.print(json: BenchResult(plan, tallies, clientCPU: cpu)) {
      Rendering.bench(plan, tallies, clientCPU: cpu)
    }
    interruption.end()
    if let cutShort { throw cutShort }
    let failed = tallies.reduce(0) { $0 + $1.failed }
    guard failed == 0 else {
      let ended = tallies.reduce(0) { $0 + $1.ended }
      throw Failure(
        .failed,
        "\(DecimalText.grouped(failed)) of \(DecimalText.grouped(ended)) operations failed; see the errors above",
        reason: "operations_failed")
    }
  }

  private func measure(
    _ plan: BenchPlan, interruption: Int32
  ) throws(Failure) -> ([BenchTally], cutShort: Failure?) {
    var run = BenchRun(
      try options.openConnection(), plan, timeout: options.timeout, interruption: interruption)
    do throws(Failure) {
      try run.run()
      return (run.tallies, nil)
    } catch {
      return (run.tallies, error)
    }
  }

  /// The CPU time of this process so far, in user and kernel mode.
  private static func cpuSeconds() -> Double {
    var usage = rusage()
    // The system writes one `rusage`.
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { sum, time in
      sum + Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }
  }
}
