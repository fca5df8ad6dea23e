package import SeededRandom

/// The faults of a run, drawn from a seed before it begins.
package struct FaultPlan: Sendable {
  /// The kind of a fault that lasts for a while.
  package enum Kind: Hashable, Sendable, CaseIterable {
    case kill, pause, cut, clock, full
  }

  /// The bounds of the random choices.
  package struct Bounds: Sendable {
    /// The kinds of faults, each as often as it is listed.
    package var kinds: [Kind] = [.kill, .kill, .pause, .pause, .cut, .clock, .full]
    /// The time from the start of a fault to that of the next one.
    package var gap: ClosedRange<Duration> = .seconds(5)...(.seconds(120))
    /// The duration of a fault.
    package var duration: ClosedRange<Duration> = .seconds(5)...(.seconds(300))
    /// The duration of a partition.
    package var cut: ClosedRange<Duration> = .seconds(60)...(.seconds(5400))
    /// The greatest share of nodes that a fault kills or pauses at once.
    package var share = 0.6
    /// The errors of clocks.
    package var clocks: ClosedRange<Duration> = .seconds(1)...(.seconds(10_800))

    package init() {}
  }

  /// In the order of time.
  package private(set) var faults: [History.Fault] = []

  /// Draws the faults of a run that begin from `start` on, and undoes all that are left at `end`.
  package init(
    nodes: Int, from start: Duration, to end: Duration, _ bounds: Bounds, using random: inout SplitMix64
  ) {
    var ends: [(time: Duration, change: History.Fault.Change)] = []
    // The nodes that are killed or paused, whose clock is off, and whose disk is full.
    var absent: Set<Int> = []
    var early: Set<Int> = []
    var full: Set<Int> = []
    var isCut = false
    func undo(_ change: History.Fault.Change) {
      switch change {
      case .started(let node), .resumed(let node): absent.remove(node)
      case .clock(let node, _): early.remove(node)
      case .emptied(let node): full.remove(node)
      case .mended: isCut = false
      case .killed, .paused, .cut, .full: break
      }
    }
    var time = start
    while true {
      time += Self.draw(bounds.gap, using: &random)
      ends.sort { $0.time < $1.time }
      while let first = ends.first, first.time <= min(time, end) {
        ends.removeFirst()
        undo(first.change)
        faults.append(History.Fault(at: first.time, first.change))
      }
      guard time < end, let kind = bounds.kinds.randomElement(using: &random) else { break }
      let back = time + Self.draw(kind == .cut ? bounds.cut : bounds.duration, using: &random)
      func begin(_ change: History.Fault.Change, until back: Duration, _ undone: History.Fault.Change) {
        faults.append(History.Fault(at: time, change))
        ends.append((min(back, end), undone))
      }
      switch kind {
      case .kill, .pause:
        let present = (0..<nodes).filter { !absent.contains($0) }
        let most = max(1, Int(Double(nodes) * bounds.share))
        let count = min(Int.random(in: 1...most, using: &random), present.count - 1)
        guard count > 0 else { continue }
        for node in present.shuffled(using: &random).prefix(count) {
          absent.insert(node)
          // They come back one after the other.
          let later = back + Self.draw(.zero...(.seconds(20)), using: &random)
          if kind == .kill {
            begin(.killed(node), until: later, .started(node))
          } else {
            begin(.paused(node), until: later, .resumed(node))
          }
        }
      case .cut:
        guard !isCut, nodes > 1 else { continue }
        isCut = true
        let share = Double.random(in: 0.1...0.6, using: &random)
        var sides = (0..<nodes).map { _ in Double.random(in: 0..<1, using: &random) < share ? 1 : 0 }
        if Set(sides).count == 1 { sides[Int.random(in: 0..<nodes, using: &random)] ^= 1 }
        begin(.cut(sides), until: back, .mended)
      case .clock:
        let node = Int.random(in: 0..<nodes, using: &random)
        guard early.insert(node).inserted else { continue }
        // Small errors are as frequent as large ones.
        let bound = Self.draw(bounds.clocks, using: &random)
        let offset = Self.draw(bounds.clocks.lowerBound...bound, using: &random)
        begin(.clock(node, offset), until: back, .clock(node, .zero))
      case .full:
        let node = Int.random(in: 0..<nodes, using: &random)
        guard full.insert(node).inserted else { continue }
        begin(.full(node), until: back, .emptied(node))
      }
    }
    // Faults that would last beyond the end.
    for (_, change) in ends { faults.append(History.Fault(at: end, change)) }
  }

  private static func draw(_ range: ClosedRange<Duration>, using random: inout SplitMix64) -> Duration {
    // The least of two draws: short times are more frequent than long ones, and long ones do occur.
    let bounds = range.lowerBound.microseconds...range.upperBound.microseconds
    return .microseconds(
      min(Int64.random(in: bounds, using: &random), Int64.random(in: bounds, using: &random)))
  }
}
