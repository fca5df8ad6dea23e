/// Disjoint paths (S/Kademlia, Baumgart and Mies 2007, section 4.4): several lookups side by side, each with a
/// shortlist of its own, of which no two ask the same node. A node that misleads a lookup misleads one path
/// only.
///
/// The shortlists are kept as one, in which each node carries the paths on which it was named. All paths
/// begin with the nodes that this node knows itself, and each continues with the nodes named by those that it
/// asked. A path is finished when the K closest nodes named on it have answered, no matter which path asked
/// them.
extension Lookup {
  /// A set of paths.
  struct Paths: Hashable, Sendable {
    private(set) var bits: UInt16

    static let all = Paths(bits: .max)

    private init(bits: UInt16) { self.bits = bits }

    /// Makes the set of a single path, 0 to 15.
    init(_ path: UInt8) { bits = 1 << UInt16(path & 15) }

    func contains(_ path: UInt8) -> Bool { bits & Paths(path).bits != 0 }

    mutating func formUnion(_ other: Paths) { bits |= other.bits }

    mutating func remove(_ path: UInt8) { bits &= ~Paths(path).bits }

    var isEmpty: Bool { bits == 0 }
  }

  /// The most paths of a lookup.
  package static let mostPaths = 16

  /// The most nodes on the shortlist of a path that other nodes have named. Nodes named on one path take no
  /// room from another.
  private var capacityOfPath: Int { max(32, 2 * width) }

  /// Takes several paths from the start. Call this before any node is added.
  ///
  /// - Parameter count: clamped to 1 to 16.
  package mutating func split(into count: Int) {
    pathCount = UInt8(min(max(count, 1), Self.mostPaths))
  }

  /// Returns the next node to ask on any path. Each path has one query under way at a time, besides late ones
  /// and one to a questionable node: the answer of one of its nodes decides which node it asks next.
  mutating func nextOnPaths() -> Candidate? {
    for offset in 0..<pathCount {
      let path = (turn + offset) % pathCount
      guard let index = nextIndex(on: path) else { continue }
      turn = (path + 1) % pathCount
      candidates[index].path = path
      return ask(index)
    }
    return nil
  }

  private func nextIndex(on path: UInt8) -> Int? {
    let isWaiting = candidates.contains { $0.state == .waiting && $0.path == path }
    let isWaitingForQuestionable = candidates.contains { $0.state == .questionable && $0.path == path }
    var inPlay = 0
    var lastResort: Int?
    for (index, candidate) in candidates.enumerated() where candidate.paths.contains(path) {
      guard inPlay < width else { return nil }
      switch candidate.state {
      case .notContacted:
        if candidate.isQuestionable {
          if isWaitingForQuestionable { continue }
          if !avoidsQuestionable { return index }
          lastResort = lastResort ?? index
          continue
        }
        return isWaiting ? nil : index
      case .waiting, .answered: inPlay += 1
      case .late, .questionable, .unresponsive, .routing, .failed, .passedOver: break
      }
    }
    return lastResort
  }

  /// True if all paths are finished.
  var arePathsFinished: Bool {
    (0..<pathCount).allSatisfy { path in isFinished { $0.paths.contains(path) } }
  }

  /// The K closest nodes of all paths, and the K/d closest of each. Nodes at the end of a path that was not
  /// misled are among them, whatever the other paths found. If no path was misled, these are the K closest.
  var closestOfPaths: [Candidate] {
    var isChosen = Array(repeating: false, count: candidates.count)
    func choose(_ most: Int, where isEligible: (Candidate) -> Bool) {
      var found = 0
      for index in candidates.indices where found < most {
        guard candidates[index].state == .answered, isEligible(candidates[index]) else { continue }
        isChosen[index] = true
        found += 1
      }
    }
    choose(width) { _ in true }
    let share = (width + Int(pathCount) - 1) / Int(pathCount)
    for path in 0..<pathCount { choose(share) { $0.paths.contains(path) } }
    return candidates.indices.filter { isChosen[$0] }.map { candidates[$0] }
  }

  /// Looks for K more nodes if those found are closer together than is plausible in a network of this size:
  /// some are fakes, and the nodes that should be found lie behind them. A lookup widens until at least half
  /// of K nodes are expected within the distance of the last, or its width is four times K.
  ///
  /// If half of K nodes are expected within that distance, 8 honest ones are there by chance in 5 of 100
  /// lookups. Fakes sparse enough to avoid this leave room for honest nodes among them.
  ///
  /// - Parameters:
  ///   - nodes: the number of nodes in the network.
  ///   - k: the number of nodes that should be found.
  /// - Returns: whether the lookup looks for more than before.
  mutating func widenIfCrowded(among nodes: Int, k: Int) -> Bool {
    guard width < 4 * k, nodes > 4 * k else { return false }
    var found = 0
    for candidate in candidates where candidate.state == .answered {
      found += 1
      guard found == width else { continue }
      guard NetworkSize.expected(within: candidate.distance, of: nodes) < Double(k) / 2 else { return false }
      width += k
      return true
    }
    return false
  }

  /// Makes room on a path for a node at a place of the shortlist by removing the furthest node that was named
  /// on it and not asked. Nodes that this node knows itself are on all paths and take no room.
  ///
  /// - Returns: whether there is room.
  mutating func makeRoom(on path: UInt8, at place: Int) -> Bool {
    var count = 0
    var furthest: Int?
    for (index, candidate) in candidates.enumerated()
    where candidate.paths.contains(path) && candidate.hop > 1 {
      count += 1
      if candidate.isUnasked { furthest = index }
    }
    guard count >= capacityOfPath else { return true }
    guard let furthest, furthest >= place else { return false }
    candidates[furthest].paths.remove(path)
    if candidates[furthest].paths.isEmpty { candidates.remove(at: furthest) }
    return true
  }
}
