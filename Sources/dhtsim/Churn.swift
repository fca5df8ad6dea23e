import ArgumentParser
import Simulation

/// The command that runs a churn scenario.
struct Churn: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Runs a network whose nodes come and go while clients write and read, and checks that nothing is lost.",
    discussion: """
      Each node is up for about an hour, then down for about an hour, then back with its disk. Keys are \
      written, overwritten and deleted through the first half of the time, and read all the time. Exit \
      status: 0 nothing confirmed was lost, nothing expired or deleted came back; 1 something did.
      """)

  @Option(help: "The seed of all random choices.")
  var seed: UInt64 = 1
  @Option(help: "The number of nodes.")
  var nodes = 100
  @Option(help: "The hours of virtual time.")
  var hours = 24
  @Option(help: "The number of keys.")
  var keys = 300

  @OptionGroup var tracing: TraceOption

  func validate() throws {
    guard (10...10_000).contains(nodes), (1...1000).contains(hours), (1...100_000).contains(keys) else {
      throw ValidationError("give 10 to 10000 nodes, 1 to 1000 hours and 1 to 100000 keys")
    }
  }

  func run() throws {
    var scenario = ChurnScenario(seed: seed)
    scenario.nodes = nodes
    scenario.hours = hours
    scenario.keys = keys
    let log = try tracing.open()
    let report = try scenario.run(tracer: log?.write)
    try log?.close()
    print(
      """
      churn: \(nodes) nodes, \(hours) h, \(keys) keys, seed \(seed)
      starts of nodes            \(report.starts)
      writes                     \(report.confirmed) confirmed, \(report.unconfirmed) unknown
      reads                      \(report.readsOfValues) found a value, \(report.readsOfNothing) found rightly none
      reads tried again          \(report.retries)
      replicated, republished    \(report.replications), \(report.republications)
      offered, copies sent       \(report.handOffs), \(report.replicasSent)
      datagrams                  \(report.datagrams)
      trace                      \(String(report.trace, radix: 16))
      promises not kept          \(report.violations.count)
      """)
    guard !report.violations.isEmpty else { return }
    for violation in report.violations.prefix(20) { print("  \(violation.time) s: \(violation.description)") }
    print("again: dhtsim churn --seed \(seed) --nodes \(nodes) --hours \(hours) --keys \(keys)")
    throw ExitCode.failure
  }
}
