/// Disjoint paths (S/Kademlia, Baumgart and Mies 2007, section 4.4): several lookups side by side, each with a
/// shortlist of its own, of which no two ask the same node. A node that leads astray leads one of them astray.
///
/// The shortlists are kept as one, in which each node has the paths that were told of it. All paths begin with
/// the nodes that this node knows itself, and each goes on with what the nodes that it has asked tell it. A path
/// is at its end when the K closest nodes that it was told of have answered, no matter which of the paths has
/// asked them.
extension Lookup {
  /// A set of paths.
  struct Paths: Hashable, Sendable {
    private(set) var bits: UInt16

    static let all = Paths(bits: .max)

    private init(bits: UInt16) { self.bits = bits }

    /// One path, from 0 to 15.
    init(_ path: UInt8) { bits = 1 << UInt16(path & 15) }

    func contains(_ path: UInt8) -> Bool { bits & Paths(path).bits != 0 }

    mutating func formUnion(_ other: Paths) { bits |= other.bits }

    mutating func remove(_ path: UInt8) { bits &= ~Paths(path).bits }

    var isEmpty: Bool { bits == 0 }
  }

  /// No lookup takes more paths.
  package static let mostPaths = 16

  /// The most nodes on the shortlist of a path that others have told it of: what one path is told takes no
  /// room from another.
  private var capacityOfPath: Int { max(32, 2 * width) }

  /// Takes several paths from the start; to be said before it is told of any node.
  ///
  /// - Parameter count: clamped to 1 to 16.
  package mutating func split(into count: Int) {
    pathCount = UInt8(min(max(count, 1), Self.mostPaths))
  }

  /// The next node to ask on any path. Each has one query under way at a time, beside those that are late: what
  /// one of its nodes says decides which it asks next.
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

  /// Whether all paths are at their end.
  var arePathsFinished: Bool {
    (0..<pathCount).allSatisfy { path in isFinished { $0.paths.contains(path) } }
  }

  /// The K closest of all paths, and the K/d closest of each: those at the end of a path that was not led
  /// astray are among them, whatever others have found. Where none was, they are the K closest.
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

  /// Looks for K nodes more where those that were found are closer together than so many of a network can be:
  /// some only say that they are there, and those that should be found lie behind them. It does so until as
  /// many were found as there is room for within the distance of the last, up to four times K.
  ///
  /// With the expected number of nodes within that distance at less than half of K, 8 honest ones are there by
  /// chance in 5 of 100 lookups. Fakes that keep out of this leave room among them for others.
  ///
  /// - Parameters:
  ///   - nodes: how many nodes the network has.
  ///   - k: how many should be found.
  /// - Returns: whether it looks for more than before.
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

  /// Makes room on a path for a node at a place of the shortlist: the furthest that it was told of and has not
  /// asked goes. Those that this node knows itself are on all paths and take no room.
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
