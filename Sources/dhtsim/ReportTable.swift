import Kademlia
import Simulation

/// A report as rows of names and numbers.
struct ReportTable {
  /// A row: its name, its unit, and a value for each report; nil where there is none.
  struct Row {
    let name: String
    let unit: String
    let values: [Double?]
    let digits: Int
  }

  let title: String
  let labels: [String]
  private(set) var rows: [Row] = []
  private let reports: [ScenarioReport]

  init(title: String, labels: [String], reports: [ScenarioReport]) {
    self.title = title
    self.labels = labels
    self.reports = reports
    add("nodes up at the end", "", 0) { Double($0.nodesAtEnd) }
    add("sessions that ended", "", 0) { $0.departures > 0 ? Double($0.departures) : nil }
    operations("lookup", \.lookups)
    share("lookup: found the true K closest", { Double($0.lookups.exact) }, of: { $0.lookups.found.count })
    add("lookup: of the K closest, found", "%", 2) { Samples($0.lookups.found).mean.map { $0 * 100 } }
    operations("get", \.gets)
    gets("get", \.gets)
    add("get: met an honest holder", "%", 2) { $0.reachedShare.map { $0 * 100 } }
    add("get: hops to the first of these, mean", "", 2) { Samples($0.gets.holderHops).mean }
    add("S/Kademlia's bound at as many hops", "%", 2) { $0.disjointPathBound.map { $0 * 100 } }
    operations("crowd", \.crowd)
    gets("crowd", \.crowd)
    operations("put", \.puts)
    share("put: not confirmed", { Double($0.puts.failed) }, of: { $0.puts.begun })
    share("put: weak", { Double($0.puts.weak) }, of: { $0.puts.begun })
    add("agreement of put and read", "%", 2) { Samples($0.agreement).mean.map { $0 * 100 } }
    add("keys available, worst moment", "%", 2) { report in
      report.unexpiredKeys > 0 ? report.moments.map(\.available).min().map { $0 * 100 } : nil
    }
    add("keys lost", "", 0) { $0.unexpiredKeys > 0 ? Double($0.lostKeys) : nil }
    add("keys not expired", "", 0) { $0.unexpiredKeys > 0 ? Double($0.unexpiredKeys) : nil }
    add("live replicas of a key, mean", "", 2) { report in
      report.unexpiredKeys > 0 ? report.moments.last?.replicas : nil
    }
    add("contacts of a node, median", "", 0) { Samples($0.contacts).percentile(0.5) }
    load("keys of a node", \.records)
    load("queries heard by a node", \.queriesHeard)
    add("upkeep, queries a node and hour", "", 0) { $0.upkeepQueries }
    add("upkeep, bytes a node and hour", "", 0) { $0.upkeepBytes }
    for (index, kind) in Traffic.kinds.enumerated() {
      add("  \(kind)", "", 0) { report in
        guard report.upkeep.indices.contains(index) else { return nil }
        let bytes = report.upkeep[index].cost.bytes
        return bytes > 0 ? Double(bytes) / max(report.nodeHours, 1e-9) : nil
      }
    }
    add("datagrams of the whole run", "", 0) { Double($0.datagrams) }
  }

  private mutating func add(
    _ name: String, _ unit: String, _ digits: Int, _ value: (ScenarioReport) -> Double?
  ) {
    let values = reports.map(value)
    if values.contains(where: { $0 != nil }) {
      rows.append(Row(name: name, unit: unit, values: values, digits: digits))
    }
  }

  private mutating func share(
    _ name: String, _ part: (ScenarioReport) -> Double, of whole: (ScenarioReport) -> Int
  ) {
    add(name, "%", 2) { whole($0) > 0 ? part($0) / Double(whole($0)) * 100 : nil }
  }

  private mutating func operations(_ name: String, _ path: KeyPath<ScenarioReport, ScenarioReport.Operations>)
  {
    add("\(name)s", "", 0) { $0[keyPath: path].begun > 0 ? Double($0[keyPath: path].begun) : nil }
    for share in [0.5, 0.9, 0.99] {
      add("\(name): complete, p\(Text.number(share * 100))", "ms", 0) {
        Samples($0[keyPath: path].latency).percentile(share)
      }
    }
    for share in [0.5, 0.9, 0.99] {
      add("\(name): first answer, p\(Text.number(share * 100))", "ms", 0) {
        Samples($0[keyPath: path].firstAnswer).percentile(share)
      }
    }
    add("\(name): hops, mean", "", 2) { Samples($0[keyPath: path].hops).mean }
    add("\(name): queries, mean", "", 1) { Samples($0[keyPath: path].queries).mean }
    add("\(name): queries, p99", "", 0) { Samples($0[keyPath: path].queries).percentile(0.99) }
    add("\(name): bytes, mean", "", 0) { Samples($0[keyPath: path].bytes).mean }
  }

  private mutating func gets(_ name: String, _ path: KeyPath<ScenarioReport, ScenarioReport.Operations>) {
    let line = "line under \(Text.number(ScenarioReport.slowLine)) ms"
    add("\(name): first answer, p99, \(line)", "ms", 0) {
      Samples($0[keyPath: path].firstAnswerOnFastLines).percentile(0.99)
    }
    add("\(name): complete, p99, \(line)", "ms", 0) {
      Samples($0[keyPath: path].latencyOnFastLines).percentile(0.99)
    }
    share("\(name): failed", { Double($0[keyPath: path].failed) }, of: { $0[keyPath: path].begun })
    share("\(name): unconfirmed", { Double($0[keyPath: path].unconfirmed) }, of: { $0[keyPath: path].begun })
    share("\(name): unreachable", { Double($0[keyPath: path].unreachable) }, of: { $0[keyPath: path].begun })
    share("\(name): a value of nobody", { Double($0[keyPath: path].wrong) }, of: { $0[keyPath: path].begun })
  }

  private mutating func load(_ name: String, _ path: KeyPath<ScenarioReport, [Double]>) {
    for (label, share) in [("min", 0.0), ("median", 0.5), ("p99", 0.99), ("max", 1.0)] {
      add("\(name), \(label)", "", 0) { Samples($0[keyPath: path]).percentile(share) }
    }
  }

  // MARK: - As text

  private func cells(_ row: Row) -> [String] {
    row.values.map { $0.map { Text.grouped(Text.fixed($0, row.digits)) } ?? "-" }
  }

  /// The rows as text.
  var description: String {
    let cells = rows.map { (name: $0.name + ($0.unit.isEmpty ? "" : ", " + $0.unit), values: self.cells($0)) }
    let width = cells.map(\.name.count).max() ?? 0
    let columns = labels.indices.map { column in
      max(labels[column].count, cells.map { $0.values[column].count }.max() ?? 0)
    }
    func line(_ name: String, _ values: [String]) -> String {
      let padded = zip(values, columns).map { String(repeating: " ", count: $1 - $0.count) + $0 }
      let text = name.padded(to: width) + "  " + padded.joined(separator: "  ")
      return text.trimmingEnd + "\n"
    }
    var text = title + "\n"
    if labels.contains(where: { !$0.isEmpty }) { text += line("", labels) }
    for cell in cells { text += line(cell.name, cell.values) }
    for (index, report) in reports.enumerated() {
      let label = labels[index].isEmpty ? "" : " (\(labels[index]))"
      text += "trace\(label)  ".padded(to: width + 2) + String(report.trace, radix: 16) + "\n"
    }
    return text
  }

  /// A JSON object with an array of numbers for each row: a number for each report.
  func json(seed: UInt64) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
    var fields = [
      "\"title\": \(quoted(title))", "\"seed\": \(seed)",
      "\"variants\": [" + labels.map(quoted).joined(separator: ", ") + "]",
      "\"traces\": [" + reports.map { quoted(String($0.trace, radix: 16)) }.joined(separator: ", ") + "]",
    ]
    let upkeepKinds = Traffic.kinds
    for row in rows {
      var name = row.name + (row.unit.isEmpty ? "" : " " + (row.unit == "%" ? "percent" : row.unit))
      if row.name.hasPrefix("  "), upkeepKinds.contains(String(row.name.dropFirst(2))) {
        name = "upkeep bytes " + row.name.dropFirst(2)
      }
      let key = name.identifier
      let values = row.values.map { $0.map { Text.fixed($0, row.digits) } ?? "null" }
      fields.append("\(quoted(key)): [" + values.joined(separator: ", ") + "]")
    }
    return "{\n  " + fields.joined(separator: ",\n  ") + "\n}\n"
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  fileprivate var trimmingEnd: String {
    var text = self
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }

  /// Letters and digits, with `_` for everything between them.
  fileprivate var identifier: String {
    split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "_").lowercased()
  }
}
