package import ControlProtocol

/// The steps of a lookup, and those of a get with a trace.
extension Rendering {
  /// The K closest nodes, and the steps of the lookup.
  ///
  /// - Parameter ofKey: whether the lookup was for a key, so that a node without a version is marked.
  package static func lookup(_ result: LookupResult, ofKey: Bool = false) -> String {
    let showsVersions =
      ofKey || result.closest.contains { $0.held != nil } || result.steps.contains { $0.held != nil }
    var columns: [(String, TextTable.Alignment)] = [("NODE ID", .left), ("ADDRESS", .left), ("RTT", .right)]
    if showsVersions { columns.append(("HOLDS", .left)) }
    var closest = TextTable(columns)
    for node in result.closest {
      closest.append([
        safe(node.nodeID), safe(node.address), TimeSpan.milliseconds(node.rtt), holds(node.held),
      ])
    }
    return """
      Closest to \(safe(result.target)):
      \(result.closest.isEmpty ? "none\n" : closest.text)
      Steps:
      \(result.steps.isEmpty ? "none\n" : steps(result.steps, showsVersions: showsVersions))
      """
  }

  /// The steps of a get.
  ///
  /// - Parameter age: the age of the copy that was the answer, in seconds; nil if the network was asked.
  package static func trace(_ steps: [LookupStep], age: Int64? = nil) -> String {
    if !steps.isEmpty { return "Steps:\n" + self.steps(steps, showsVersions: true) }
    guard let age else { return "Steps:\nnone\n" }
    return "Steps:\nnone: the value is a copy fetched \(TimeSpan.text(age)) ago\n"
  }

  private static func steps(_ steps: [LookupStep], showsVersions: Bool) -> String {
    var columns: [(String, TextTable.Alignment)] = [
      ("HOP", .right), ("NODE ID", .left), ("ADDRESS", .left), ("RTT", .right), ("OUTCOME", .left),
    ]
    if showsVersions { columns.append(("HOLDS", .left)) }
    var table = TextTable(columns)
    for step in steps {
      table.append([
        "\(step.hop)", safe(step.nodeID), safe(step.address), TimeSpan.milliseconds(step.rtt),
        safe(step.outcome), holds(step.held),
      ])
    }
    return table.text
  }

  private static func holds(_ held: HeldVersion?) -> String {
    guard let held else { return "-" }
    return held.deleted ? "deleted, seq \(held.seq)" : "seq \(held.seq)"
  }
}
