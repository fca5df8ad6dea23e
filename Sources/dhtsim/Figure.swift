import Simulation

/// The figure of a scenario, with the charts for which there is data.
struct Figure {
  let title: String
  let about: String
  private let file: ScenarioFile
  private let variants: [ScenarioFile.Variant]
  private let reports: [ScenarioReport]

  private static let (chartWidth, chartHeight) = (540.0, 350.0)

  init(
    title: String, about: String, file: ScenarioFile, variants: [ScenarioFile.Variant],
    reports: [ScenarioReport]
  ) {
    self.title = title
    self.about = about
    self.file = file
    self.variants = variants
    self.reports = reports
  }

  /// The SVG document.
  var document: String {
    let charts = [latency, hops, queries, lostKeys, keys, replicas, load, records].compactMap { $0 }
    var canvas = Canvas()
    canvas.text(title, x: 24, y: 34, size: 18, isBold: true)
    canvas.text(about, x: 24, y: 56, size: 13, colour: "#444444")
    for (index, chart) in charts.enumerated() {
      chart.draw(
        on: &canvas, x: 16 + Double(index % 2) * (Self.chartWidth + 12),
        y: 76 + Double(index / 2) * (Self.chartHeight + 16), width: Self.chartWidth, height: Self.chartHeight)
    }
    let rows = Double((charts.count + 1) / 2)
    let columns = Double(min(2, max(1, charts.count)))
    return canvas.document(
      width: 32 + columns * Self.chartWidth + (columns - 1) * 12, height: 84 + rows * (Self.chartHeight + 16))
  }

  private var isSingle: Bool { reports.count == 1 }

  // MARK: - Distributions

  /// The cumulative distribution of values, at 200 equally likely points.
  private func distribution(_ name: String, _ values: [Double]) -> Chart.Series? {
    let samples = Samples(values)
    guard samples.count > 1 else { return nil }
    let shares = (0...200).map { Double($0) / 200 }
    return Chart.Series(
      name: name, points: shares.compactMap { share in samples.percentile(share).map { ($0, share * 100) } })
  }

  private func distributionChart(
    _ title: String, _ xLabel: String, _ yLabel: String, _ series: [Chart.Series]
  ) -> Chart? {
    guard !series.isEmpty else { return nil }
    // Nothing takes less than a millisecond in the network. Local operations are not on the axis.
    let values = series.flatMap { $0.points.map(\.x) }.filter { $0 >= 1 }
    return Chart(
      title: title, xLabel: xLabel, yLabel: yLabel, x: .logarithmic(values), y: .linear(upTo: 100),
      series: series)
  }

  private var latency: Chart? {
    var series: [Chart.Series?] = []
    if let report = reports.first, isSingle {
      series = [
        distribution("get, first answer", report.gets.firstAnswer),
        distribution("get, complete", report.gets.latency),
        distribution("lookup", report.lookups.latency), distribution("put", report.puts.latency),
        distribution("crowd, complete", report.crowd.latency),
      ]
    } else {
      for (variant, report) in zip(variants, reports) {
        let isGet = report.gets.latency.count > 1
        series.append(
          distribution(
            variant.label + (isGet ? "" : " (lookup)"), isGet ? report.gets.latency : report.lookups.latency))
      }
    }
    let isOfGets = !isSingle && reports.allSatisfy { $0.gets.latency.count > 1 }
    return distributionChart(
      isOfGets ? "Latency of complete gets" : "Latency", "milliseconds", "% of operations",
      series.compactMap { $0 })
  }

  private var load: Chart? {
    distributionChart(
      "Load: queries heard by a node", "queries", "% of nodes",
      zip(variants, reports).compactMap { variant, report in
        distribution(isSingle ? "queries heard" : variant.label, report.queriesHeard)
      })
  }

  private var records: Chart? {
    guard reports.contains(where: { $0.unexpiredKeys > 0 }) else { return nil }
    let series = zip(variants, reports).compactMap { variant, report in
      distribution(isSingle ? "keys held" : variant.label, report.records)
    }
    let greatest = series.flatMap { $0.points.map(\.x) }.max() ?? 1
    return Chart(
      title: "Load: keys held by a node", xLabel: "keys", yLabel: "% of nodes", x: .linear(upTo: greatest),
      y: .linear(upTo: 100), series: series)
  }

  // MARK: - Against time

  private func againstTime(
    _ title: String, _ yLabel: String, _ y: (ScenarioReport.Moment) -> Double, isShare: Bool
  ) -> Chart? {
    // A scenario that varies the size is too short for keys to be lost.
    guard !variesNodes, reports.contains(where: { $0.unexpiredKeys > 0 && $0.moments.count > 1 })
    else { return nil }
    let minutes = reports.flatMap { $0.moments.map(\.minutes) }.max() ?? 1
    let (unit, length) =
      minutes > 2880 ? ("days", 1440.0) : minutes > 120 ? ("hours", 60.0) : ("minutes", 1.0)
    let series = zip(variants, reports).map { variant, report in
      Chart.Series(
        name: isSingle ? "" : variant.label, points: report.moments.map { ($0.minutes / length, y($0)) })
    }
    return Chart(
      title: title, xLabel: unit, yLabel: yLabel, x: .linear(upTo: minutes / length),
      y: isShare ? .linear(upTo: 100) : .linear(upTo: series.flatMap { $0.points.map(\.y) }.max() ?? 1),
      series: series)
  }

  private var keys: Chart? {
    guard isSingle, let report = reports.first, report.unexpiredKeys > 0 else {
      return againstTime(
        "Keys that a disk still has", "% of unexpired keys", { $0.kept * 100 }, isShare: true)
    }
    guard
      let chart = againstTime("Keys", "% of unexpired keys", { $0.kept * 100 }, isShare: true),
      let kept = chart.series.first
    else { return nil }
    let length = (report.moments.last?.minutes ?? 1) / max(kept.points.last?.x ?? 1, 1e-9)
    return Chart(
      title: "Keys alive", xLabel: chart.xLabel, yLabel: chart.yLabel, x: chart.x, y: chart.y,
      series: [
        Chart.Series(name: "on some disk", points: kept.points),
        Chart.Series(
          name: "on a live node that can be queried",
          points: report.moments.map { ($0.minutes / max(length, 1e-9), $0.available * 100) }),
      ])
  }

  private var replicas: Chart? {
    againstTime("Live replicas of a key, mean", "nodes", \.replicas, isShare: false)
  }

  // MARK: - Against what varies

  private var variesNodes: Bool { file.vary.count == 1 && file.vary.first?.key == "nodes" }

  private func againstNodes(
    _ title: String, _ yLabel: String, _ lines: [(name: String, value: (ScenarioReport) -> Double?)]
  ) -> Chart? {
    guard variesNodes else { return nil }
    let series = lines.map { line in
      Chart.Series(
        name: line.name,
        points: reports.compactMap { report in line.value(report).map { (Double(report.scenario.nodes), $0) }
        },
        isMarked: true)
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    return Chart(
      title: title, xLabel: "nodes", yLabel: yLabel,
      x: .logarithmic(reports.map { Double($0.scenario.nodes) }),
      y: .linear(upTo: series.flatMap { $0.points.map(\.y) }.max() ?? 1), series: series)
  }

  private var hops: Chart? {
    againstNodes(
      "Hops to the closest node", "hops",
      [
        ("mean", { Samples($0.lookups.hops).mean }),
        ("99th percentile", { Samples($0.lookups.hops).percentile(0.99) }),
      ])
  }

  private var queries: Chart? {
    againstNodes(
      "Queries an operation", "queries, mean",
      [("lookup", { Samples($0.lookups.queries).mean }), ("get", { Samples($0.gets.queries).mean })])
  }

  /// The effect of the last of two varied keys, with a line for each value of the first.
  private var lostKeys: Chart? {
    guard file.vary.count == 2, let first = file.vary.first, let last = file.vary.last,
      reports.contains(where: { $0.unexpiredKeys > 0 })
    else { return nil }
    let series = first.values.map { value in
      let points = zip(variants, reports).filter { $0.0.values.first == value }.enumerated().map {
        index, run in
        (Double(index), Double(run.1.lostKeys) / Double(max(1, run.1.unexpiredKeys)) * 100)
      }
      return Chart.Series(name: "\(first.key) \(value)", points: points, isMarked: true)
    }
    return Chart(
      title: "Keys lost at the end", xLabel: last.key.split(separator: ".").last.map(String.init) ?? "",
      yLabel: "% of unexpired keys", x: .words(last.values),
      y: .linear(upTo: series.flatMap { $0.points.map(\.y) }.max() ?? 1, atLeast: 1), series: series)
  }
}
