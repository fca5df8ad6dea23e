import ArgumentParser
import ControlProtocol
import Glibc

struct Bench: TakesGlobalOptions {
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
      "What to measure, one after another: put, get, and miss, the get of a key without a value. (default: put,get,miss)",
      valueName: "list"),
    transform: { text in
      try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
        guard let operation = BenchOperation(rawValue: String(word)) else {
          let names = BenchOperation.allCases.map(\.rawValue).joined(separator: ", ")
          throw ValidationError("the operations are \(names), with commas between them")
        }
        return operation
      }
    })
  var ops: [BenchOperation] = BenchOperation.allCases
  @Option(parsing: .unconditional, help: ArgumentHelp("How often to do each.", valueName: "n"))
  var count = 10_000
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many requests to have under way at once; the node takes 256.", valueName: "n"))
  var inFlight = 64
  @Option(parsing: .unconditional, help: ArgumentHelp("The length of a value, in bytes.", valueName: "bytes"))
  var size = 100
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many different keys to use. (default: as many as --count)", valueName: "n"))
  var keys: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What the keys begin with; that of an earlier run lets get read what it put. (default: one that is new)",
      valueName: "text"))
  var keyPrefix: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How long the values live: seconds, or a number with s, m, h, d or w. (default: 1h)", valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text), (1...ControlLimits.maxTTL).contains(seconds) else {
        throw ValidationError("a time to live is such as 90s, 2h or 7d, and at most 30d")
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
        "get reads what put stored: name put before it, or the keys of an earlier run with --key-prefix")
    }
  }

  private func check(_ number: Int, _ option: String, _ range: ClosedRange<Int>) throws {
    if !range.contains(number) {
      throw ValidationError("\(option) is a number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// What the options ask for.
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
        "\(DecimalText.grouped(failed)) of \(DecimalText.grouped(ended)) operations failed; see why above",
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

  /// What this process has used so far, of itself and in the kernel.
  private static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { sum, time in
      sum + Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }
  }
}
