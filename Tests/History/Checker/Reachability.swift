/// The nodes that could reach each other at any time, as the faults of a run tell.
struct Reachability: Sendable {
  /// The state of all nodes from one fault to the next.
  private struct State: Sendable {
    let since: Duration
    var isUp: [Bool]
    var isPaused: [Bool]
    var side: [Int]
    var clock: [Duration]
    /// The time of the last start of each node.
    var started: [Duration]

    func isConnected(_ one: Int, _ other: Int) -> Bool {
      isRunning(one) && isRunning(other) && side[one] == side[other]
    }

    func isRunning(_ node: Int) -> Bool { isUp[node] && !isPaused[node] }
  }

  private let states: [State]
  private let nodes: Int
  /// The greatest error of a clock in the run.
  let greatestLead: Duration

  init(_ history: History) {
    nodes = history.nodes
    var state = State(
      since: .zero, isUp: Array(repeating: true, count: nodes),
      isPaused: Array(repeating: false, count: nodes),
      side: Array(repeating: 0, count: nodes), clock: Array(repeating: .zero, count: nodes),
      started: Array(repeating: .zero, count: nodes))
    var states = [state]
    var lead = Duration.zero
    for fault in history.faults {
      switch fault.change {
      case .started(let node):
        state.isUp[node] = true
        state.isPaused[node] = false
        state.started[node] = fault.time
      case .killed(let node): state.isUp[node] = false
      case .paused(let node): state.isPaused[node] = true
      case .resumed(let node): state.isPaused[node] = false
      case .cut(let sides): state.side = sides
      case .mended: state.side = Array(repeating: 0, count: nodes)
      case .clock(let node, let offset):
        state.clock[node] = offset
        lead = max(lead, offset)
      case .full, .emptied: continue
      }
      states.append(
        State(
          since: fault.time, isUp: state.isUp, isPaused: state.isPaused, side: state.side,
          clock: state.clock, started: state.started))
    }
    self.states = states
    greatestLead = lead
  }

  /// The index of the state at a time.
  private func index(at time: Duration) -> Int {
    var low = 0
    var high = states.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if states[middle].since <= time { low = middle } else { high = middle }
    }
    return low
  }

  /// The states from one time to another.
  private func span(_ first: Duration, _ last: Duration) -> ClosedRange<Int> {
    index(at: max(first, .zero))...index(at: max(last, .zero))
  }

  /// Returns whether two nodes could reach each other at all times from one to another.
  func areAlwaysConnected(_ one: Int, _ other: Int, from first: Duration, to last: Duration) -> Bool {
    first >= .zero && span(first, last).allSatisfy { states[$0].isConnected(one, other) }
  }

  /// Returns whether two nodes could reach each other at some time from one to another.
  func areEverConnected(_ one: Int, _ other: Int, from first: Duration, to last: Duration) -> Bool {
    span(first, last).contains { states[$0].isConnected(one, other) }
  }

  /// The time since which two nodes could not reach each other; nil if they could at `time`, or never.
  func separated(_ one: Int, _ other: Int, at time: Duration) -> Duration? {
    var index = index(at: time)
    guard !states[index].isConnected(one, other) else { return nil }
    while index > 0 {
      if states[index - 1].isConnected(one, other) { return states[index].since }
      index -= 1
    }
    return nil
  }

  /// The time of a node's last start.
  func lastStart(of node: Int, at time: Duration) -> Duration { states[index(at: time)].started[node] }

  /// The error of a node's clock.
  func clock(of node: Int, at time: Duration) -> Duration { states[index(at: time)].clock[node] }

  /// Returns whether all clocks were right at all times from one to another.
  func areClocksRight(from first: Duration, to last: Duration) -> Bool {
    span(first, last).allSatisfy { states[$0].clock.allSatisfy { $0 == .zero } }
  }

  /// The number of nodes that a node reaches at a time, itself included.
  private func reach(of node: Int, in state: Int) -> Int {
    (0..<nodes).count { $0 == node || states[state].isConnected(node, $0) }
  }

  /// Returns whether a node must know that it is cut off: one event took most of the nodes from it that it had, it had
  /// the time to notice that, and it has not met enough of them since. A restart changes nothing.
  ///
  /// - Parameters:
  ///   - delay: the time in which the node notices.
  ///   - acquaintance: the time in which nodes certainly meet.
  func isCutOff(
    _ node: Int, at time: Duration, noticedWithin delay: Duration, acquaintance: Duration
  ) -> Bool {
    var most = 0
    /// The end of the time in which the node ran without a break.
    var running = time
    var index = index(at: time)
    while index > 0 {
      let since = states[index].since
      if states[index].isRunning(node) {
        most = max(most, reach(of: node, in: index))
        if running - since >= delay {
          let had =
            1
            + (0..<nodes).count { other in
              other != node
                && areAlwaysConnected(node, other, from: since - acquaintance, to: since - .nanoseconds(1))
            }
          if had > 1, most < had / 2 + 1 { return true }
        }
      } else {
        running = since
      }
      index -= 1
    }
    return false
  }
}
