import ArgumentParser
import Glibc
import Simulation

/// The command that runs a scenario.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a scenario and prints the results.",
    discussion: """
      A scenario is one of 'dhtsim list' or a YAML file with the keys of 'dhtsim list --keys'. What is \
      printed depends on the scenario and the seed alone.
      """)

  @Argument(help: ArgumentHelp("A scenario's name or file.", valueName: "scenario"))
  var source: String
  @Option(help: "The seed of all random choices.")
  var seed: UInt64 = 1
  @Option(help: "The number of nodes.")
  var nodes: Int?
  @Option(help: "The hours of the measurement.")
  var hours: Double?
  @Option(name: .customLong("set"), help: "Set a key to another value.")
  var changes: [String] = []
  @Flag(help: "Print JSON.")
  var json = false
  @Option(help: ArgumentHelp("Also draw a figure.", valueName: "file.svg"))
  var plot: String?
  @OptionGroup var tracing: TraceOption
  @Flag(help: "Print the elapsed time, and the cost of a datagram, on standard error.")
  var time = false

  func run() throws {
    let file: ScenarioFile
    let variants: [ScenarioFile.Variant]
    do throws(ScenarioFile.Problem) {
      file = try self.file()
      variants = try file.variants
    } catch {
      throw ValidationError(error.description)
    }
    if tracing.traceLog != nil, variants.count > 1 {
      throw ValidationError(
        "--trace-log needs a scenario with one variant, and this one has \(variants.count)")
    }
    let log = try tracing.open()
    var reports: [ScenarioReport] = []
    for variant in variants {
      let start = Stopwatch()
      let report = variant.scenario.run(seed: seed, tracer: log?.write)
      if time { start.report(variant.label, datagrams: report.datagrams) }
      reports.append(report)
    }
    try log?.close()
    let about = variants.first?.scenario.about ?? ""
    let table = ReportTable(
      title: title + (about.isEmpty ? "" : ": " + about), labels: variants.map(\.label), reports: reports)
    if let plot {
      let figure = Figure(
        title: title, about: about, file: file, variants: variants, reports: reports)
      guard TextFile.write(figure.document, to: plot) else {
        throw ValidationError("cannot write '\(plot)'")
      }
    }
    print(json ? table.json(seed: seed) : table.description, terminator: "")
  }

  private var title: String {
    let name = BuiltInScenarios.named(source) == nil ? fileName : source
    let set =
      (nodes.map { ["nodes=\($0)"] } ?? []) + (hours.map { ["hours=\(Text.number($0))"] } ?? []) + changes
    return "\(name)\(set.isEmpty ? "" : " (" + set.joined(separator: ", ") + ")"), seed \(seed)"
  }

  private var fileName: String { String(source.split(separator: "/").last ?? "") }

  private func file() throws(ScenarioFile.Problem) -> ScenarioFile {
    var file: ScenarioFile
    if let yaml = BuiltInScenarios.named(source) {
      file = try ScenarioFile(yaml: yaml, name: source)
    } else if let yaml = TextFile.read(source) {
      file = try ScenarioFile(yaml: yaml, name: source)
    } else {
      let names = BuiltInScenarios.all.map(\.name).joined(separator: ", ")
      throw ScenarioFile.Problem(
        description: "'\(source)' is neither a readable file nor one of \(names)")
    }
    if let nodes { try file.set("nodes", "\(nodes)") }
    if let hours { try file.set("duration", "\(Int(hours * 3600))s") }
    for change in changes {
      guard let equals = change.firstIndex(of: "=") else {
        throw ScenarioFile.Problem(description: "invalid --set '\(change)'; use key=value")
      }
      try file.set(String(change[..<equals]), String(change[change.index(after: equals)...]))
    }
    return file
  }
}

/// The command that lists the scenarios.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the scenarios, or the keys of a scenario file.")

  @Flag(help: "The keys of a scenario file.")
  var keys = false
  @Option(help: ArgumentHelp("Print a scenario's file, as a start for a new one.", valueName: "scenario"))
  var show: String?

  func run() throws {
    if let show {
      guard let yaml = BuiltInScenarios.named(show) else {
        throw ValidationError("no such scenario '\(show)'")
      }
      print(yaml)
    } else if keys {
      for setting in ScenarioSetting.all {
        print(setting.name.padded(to: 18) + setting.help)
        print("".padded(to: 18) + setting.form)
      }
      print("parameters".padded(to: 18) + "the core's parameters, as in dhtd.yaml(5):")
      print("".padded(to: 18) + ScenarioSetting.parameters.joined(separator: ", "))
      print("vary".padded(to: 18) + "keys with lists of values, all of which are run: nodes: [100, 1000]")
    } else {
      for (name, yaml) in BuiltInScenarios.all {
        let about = try ScenarioFile(yaml: yaml, name: name).variants.first?.scenario.about ?? ""
        print(name.padded(to: 14) + about)
      }
    }
  }
}

/// Measures elapsed time.
struct Stopwatch {
  private let start = Self.now

  private static var now: Double {
    var time = timespec()
    // The system writes one `timespec`.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Prints the elapsed time on standard error.
  func report(_ label: String, datagrams: Int) {
    let seconds = Self.now - start
    var usage = rusage()
    // The system writes one `rusage`.
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let used = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
    let text =
      (label.isEmpty ? "" : label + ": ")
      + "\(Text.fixed(seconds, 1)) s (\(Text.fixed(used, 1)) s of a processor since the start), "
      + "\(Text.grouped("\(datagrams)")) datagrams, "
      + "\(Text.fixed(seconds * 1e6 / Double(max(1, datagrams)), 2)) us each, "
      + "\(usage.ru_maxrss / 1024) MiB at most\n"
    let bytes = Array(text.utf8)
    // A closed standard error is ignored. The pointer to the bytes is used only during the
    // call.
    _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
  }
}
