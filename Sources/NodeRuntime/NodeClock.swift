import NodeTime

/// The clock of a node and its parts, on the node's event loop.
final class NodeClock {
  private let read: () -> Now
  /// The time of this iteration; nil until a datagram needs it.
  private var iteration: Now?

  /// - Parameter read: gives the time.
  init(_ read: @escaping () -> Now) {
    self.read = read
  }

  /// The time, read now.
  var now: Now { read() }

  /// The time of this iteration. Datagrams that are read together arrived together, so one reading of the
  /// clock serves all of them.
  var iterationNow: Now {
    if let iteration { return iteration }
    let now = read()
    iteration = now
    return now
  }

  /// The time of this iteration if a datagram has needed it; otherwise the time read now.
  var latest: Now { iteration ?? read() }

  /// Ends the iteration. The next one has its own time.
  func endIteration() { iteration = nil }
}
