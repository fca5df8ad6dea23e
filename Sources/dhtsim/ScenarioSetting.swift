import ControlProtocol
import Glibc
import Kademlia
import NodeConfiguration
import Simulation

/// A key of a scenario file: its name, the form of its values, and its meaning.
struct ScenarioSetting: Sendable {
  /// The key.
  let name: String
  /// The description for people.
  let help: String
  /// The form of a valid value; completes "is not …".
  let form: String
  /// Sets a value in a scenario; returns false if the value is invalid.
  let set: @Sendable (_ text: String, inout Scenario) -> Bool

  private init(
    _ name: String, _ form: String, _ help: String,
    _ set: @escaping @Sendable (_ text: String, inout Scenario) -> Bool
  ) {
    self.name = name
    self.form = form
    self.help = help
    self.set = set
  }

  // MARK: - Kinds

  private static func number(
    _ name: String, _ path: any WritableKeyPath<Scenario, Int> & Sendable, _ range: ClosedRange<Int>,
    _ help: String
  ) -> Self {
    Self(name, "a number from \(range.lowerBound) to \(range.upperBound)", help) { text, scenario in
      guard let value = Int(text), range.contains(value) else { return false }
      scenario[keyPath: path] = value
      return true
    }
  }

  private static func rate(
    _ name: String, _ path: any WritableKeyPath<Scenario, Double> & Sendable, upTo limit: Double,
    _ help: String
  ) -> Self {
    Self(name, "a number from 0 to \(Text.number(limit))", help) { text, scenario in
      guard let value = Double(text), (0...limit).contains(value) else { return false }
      scenario[keyPath: path] = value
      return true
    }
  }

  /// `0.3` or `30%`.
  private static func share(
    _ name: String, _ path: any WritableKeyPath<Scenario, Double> & Sendable, _ help: String
  ) -> Self {
    Self(name, "a share from 0 to 1, such as 0.3 or 30%", help) { text, scenario in
      let isPercent = text.hasSuffix("%")
      guard let number = Double(isPercent ? String(text.dropLast()) : text) else { return false }
      let value = isPercent ? number / 100 : number
      guard (0...1).contains(value) else { return false }
      scenario[keyPath: path] = value
      return true
    }
  }

  private static func time(
    _ name: String, _ path: any WritableKeyPath<Scenario, Duration> & Sendable,
    _ range: ClosedRange<Duration>,
    _ help: String
  ) -> Self {
    Self(name, form(of: range), help) { text, scenario in
      guard let value = span(text), range.contains(value) else { return false }
      scenario[keyPath: path] = value
      return true
    }
  }

  private static func word<Value: RawRepresentable & CaseIterable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Scenario, Value> & Sendable, _ help: String
  ) -> Self where Value.RawValue == String {
    Self(name, "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "), help) { text, scenario in
      guard let value = Value(rawValue: text) else { return false }
      scenario[keyPath: path] = value
      return true
    }
  }

  private static func form(of range: ClosedRange<Duration>) -> String {
    "a time from \(TimeSpan.exact(range.lowerBound)) to \(TimeSpan.exact(range.upperBound)), such as 30m"
  }

  private static func span(_ text: String) -> Duration? { text == "0" ? .zero : TimeSpan.duration(text) }

  // MARK: - All of them

  private static let day: Duration = .seconds(86_400)
  private static let month = day * 30
  private static let year = day * 365

  /// The keys except `parameters`, in the order of the documentation.
  static let all: [ScenarioSetting] = [
    Self("about", "a line of text", "what it is for") { text, scenario in
      scenario.about = text
      return !text.contains("\n")
    },
    number("nodes", \.nodes, 2...200_000, "nodes that are up at the beginning"),
    word("beginning", \.beginning, "tables as after a long time, or a join of each node"),
    word("addresses", \.addresses, "of a private network, or public ones in a block (/24) each"),
    share("unreachable", \.unreachable, "nodes that query and cannot be queried (NAT)"),
    share("loss", \.loss, "datagrams that are lost"),
    Self("delay_matrix", "the path of a file of round trips in milliseconds", "delays as they were measured")
    {
      path, scenario in
      guard let text = TextFile.read(path), let matrix = try? DelayMatrix(text: text) else { return false }
      scenario.delays = .matrix(matrix)
      return true
    },
    Self("plane_ms", "a number from 0 to 10000", "the round trip across the plane of coordinates") {
      setPlane(\.width, $0, upTo: 10_000, in: &$1)
    },
    Self("access_ms", "a number from 0 to 10000", "the median delay of an access line") {
      setPlane(\.accessMedian, $0, upTo: 10_000, in: &$1)
    },
    Self("access_sigma", "a number from 0 to 3", "how much access lines differ (log-normal)") {
      setPlane(\.accessSigma, $0, upTo: 3, in: &$1)
    },
    time("jitter", \.jitter, .zero ... .seconds(10), "the most that is added to each datagram"),
    share("slow", \.slowShare, "nodes that are slow"),
    time("slow_lag", \.slowLag, .zero ... .seconds(60), "what slow nodes add to all they send"),
    time("clock_skew", \.clockSkew, .zero...day, "wall clocks are off by up to this, either way"),
    time("disk_lag", \.diskLag, .zero ... .seconds(60), "until a record is durable"),
    Self("session", form(of: .seconds(60)...year) + ", or none", "the median session; none: nobody leaves") {
      text, scenario in
      if text == "none" {
        scenario.session = nil
        return true
      }
      guard let value = span(text), (.seconds(60)...year).contains(value) else { return false }
      scenario.session = value
      return true
    },
    word("session_law", \.sessionLaw, "how sessions are distributed"),
    time("downtime", \.downtime, .seconds(1)...year, "the median time between two sessions"),
    share("departing", \.departing, "sessions after which a node is gone for good, and a new one comes"),
    share("partition", \.partitionShare, "nodes that are cut off from the others for a while"),
    time("partition_start", \.partitionStart, .zero...year, "when, from the beginning of the measurement"),
    time("partition_length", \.partitionLength, .zero...year, "for how long"),
    share("adversaries", \.adversaries, "nodes that are not honest"),
    word("conduct", \.behaviour, "what those do"),
    word("adversaries_from", \.adversariesFrom, "when they begin to"),
    number("keys", \.keys, 0...1_000_000, "keys that are stored before the measurement"),
    number("value_bytes", \.valueBytes, 0...900, "bytes of a value"),
    time("ttl", \.ttl, .seconds(60)...month, "how long a record lives"),
    rate("gets_per_minute", \.getsPerMinute, upTo: 1000, "gets of a random key, by each node in a minute"),
    rate("puts_per_hour", \.putsPerHour, upTo: 10_000, "puts of a new key, by each node in an hour"),
    number("lookups", \.lookups, 0...1_000_000, "lookups of random targets, all nodes together"),
    number("gets", \.gets, 0...1_000_000, "gets of random keys, all nodes together"),
    word("reads", \.reading, "how gets look for a value"),
    number("crowd", \.crowd, 0...200_000, "reads of one key, halfway through"),
    time("crowd_within", \.crowdWithin, .milliseconds(1)...day, "the time within which those come"),
    time("warm_up", \.warmUp, .zero...year, "how long it runs before the measurement"),
    time("duration", \.duration, .seconds(30)...year, "how long it is measured"),
  ]

  /// The key with a name; nil if there is none. `parameters.alpha` is `alpha` of dhtd.yaml(5).
  static func named(_ name: String) -> ScenarioSetting? {
    if let own = byName[name] { return own }
    guard name.hasPrefix("parameters."), let setting = Setting.named(String(name.dropFirst(11))),
      parameters.contains(setting.name)
    else { return nil }
    return Self(name, setting.form, "see dhtd.yaml(5)") { text, scenario in
      var configuration = Configuration()
      configuration.parameters = scenario.parameters
      guard setting.set([text], in: &configuration).isEmpty else { return false }
      scenario.parameters = configuration.parameters
      return true
    }
  }

  /// The names of the core's parameters: the settings of dhtd that do not concern its I/O.
  static let parameters: [String] = {
    let others: Set<String> = ["bind", "bootstrap", "state_dir", "control_socket", "log_level", "log_target"]
    return Setting.all.map(\.name).filter {
      !others.contains($0) && !$0.hasPrefix("storage.") && !$0.hasPrefix("network.")
    }
  }()

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static func setPlane(
    _ path: WritableKeyPath<DelayPlane, Double>, _ text: String, upTo limit: Double,
    in scenario: inout Scenario
  ) -> Bool {
    guard let value = Double(text), (0...limit).contains(value) else { return false }
    var plane = DelayPlane()
    if case .plane(let current) = scenario.delays { plane = current }
    plane[keyPath: path] = value
    scenario.delays = .plane(plane)
    return true
  }
}
