/// The nodes that count for a key when a node asks for it, as an observer of the whole network can tell.
///
/// Where the observer cannot tell whether a node counts or answers, it assumes what allows more answers: the checker
/// accuses nobody on a guess.
struct Electorate: Sendable {
  /// The nodes that count, closest first.
  let members: [Int]
  /// Those of them that may have answered.
  let voters: [Int]
  /// Those of them that certainly run, know the asker and are known to it.
  let stable: [Int]

  init(
    _ operation: ClientOperation, _ reachability: Reachability, order: [Int], replicas: Int,
    _ timing: History.Timing
  ) {
    var members: [Int] = []
    var voters: [Int] = []
    var stable: [Int] = []
    let asker = operation.node
    let (first, last) = (operation.invoked, operation.completed)
    for node in order where members.count < replicas {
      if reachability.areEverConnected(asker, node, from: first, to: last) {
        members.append(node)
        voters.append(node)
        if reachability.areAlwaysConnected(asker, node, from: first - timing.acquaintance, to: last) {
          stable.append(node)
        }
      } else if let since = reachability.separated(asker, node, at: first),
        first - since < timing.memory,
        reachability.areAlwaysConnected(
          asker, node, from: since - timing.acquaintance, to: since - .nanoseconds(1)),
        reachability.lastStart(of: asker, at: last) < since
      {
        members.append(node)
      }
    }
    self.members = members
    self.voters = voters
    self.stable = stable
  }

  /// Returns whether a member certainly counts: it answers and is known, or is silent and not forgotten.
  func isCertain(_ node: Int) -> Bool { stable.contains(node) || !voters.contains(node) }

  /// The votes that meet every confirmed write.
  var neededVotes: Int { members.count - members.count / 2 }
  /// The confirmations of a write that every read meets.
  var majority: Int { members.count / 2 + 1 }
}
