package import ControlProtocol

/// How a search went: that of a lookup, and that of a get with its trace.
extension Rendering {
  /// The K closest, and the steps that led to them.
  ///
  /// - Parameter ofKey: whether it was for a key, so that also a node that holds nothing says so.
  package static func lookup(_ result: LookupResult, ofKey: Bool = false) -> String {
    let tellsHeld =
      ofKey || result.closest.contains { $0.held != nil } || result.steps.contains { $0.held != nil }
    var columns: [(String, Table.Alignment)] = [("NODE ID", .left), ("ADDRESS", .left), ("RTT", .right)]
    if tellsHeld { columns.append(("HOLDS", .left)) }
    var closest = Table(columns)
    for node in result.closest {
      closest.append([
        safe(node.nodeID), safe(node.address), TimeSpan.milliseconds(node.rtt), holds(node.held),
      ])
    }
    return """
      Closest to \(safe(result.target)):
      \(result.closest.isEmpty ? "none\n" : closest.text)
      Steps:
      \(result.steps.isEmpty ? "none\n" : steps(result.steps, tellsHeld: tellsHeld))
      """
  }

  /// The steps of a get.
  ///
  /// - Parameter age: of the copy that was the answer, in seconds; nil where the network was asked.
  package static func trace(_ steps: [LookupStep], age: Int64? = nil) -> String {
    if !steps.isEmpty { return "Steps:\n" + self.steps(steps, tellsHeld: true) }
    guard let age else { return "Steps:\nnone\n" }
    return "Steps:\nnone: the value is a copy fetched \(TimeSpan.text(age)) ago\n"
  }

  private static func steps(_ steps: [LookupStep], tellsHeld: Bool) -> String {
    var columns: [(String, Table.Alignment)] = [
      ("HOP", .right), ("NODE ID", .left), ("ADDRESS", .left), ("RTT", .right), ("OUTCOME", .left),
    ]
    if tellsHeld { columns.append(("HOLDS", .left)) }
    var table = Table(columns)
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
