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

  /// The time of this iteration. Datagrams that are read together arrived together, so that the clock is
  /// read once for all of them.
  var iterationNow: Now {
    if let iteration { return iteration }
    let now = read()
    iteration = now
    return now
  }

  /// The time of this iteration if a datagram has needed it, and the time read now if not.
  var latest: Now { iteration ?? read() }

  /// Ends the iteration: the next one has a time of its own.
  func endIteration() { iteration = nil }
}
