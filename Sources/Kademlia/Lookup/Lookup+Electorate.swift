/// The nodes that count for a record, and the votes of those that answer.
extension Lookup {
  /// The progress of the `nearest` nodes.
  package struct Progress: Hashable, Sendable {
    /// The number of nodes; fewer than the lookup looks for if no more are known.
    package var expected = 0
    /// The number of these that have no vote: they should have the record, and do not answer or are new.
    package var silent = 0
    /// The number that have answered and are closer than the first node that is not asked yet, or whose
    /// answer is not late yet. The lookup knows the neighbourhood only that far: a node further away may have
    /// answered first, and turn out not to be one of the K closest.
    package var answered = 0
    /// The number that have answered or are about to, and are closer than the first node that is not asked
    /// yet.
    package var promised = 0
    /// True if all that have answered report one and the same version, or none.
    package var isUnanimous = true
  }

  /// The progress of the lookup, as a get judges it.
  package var progress: Progress {
    var progress = Progress()
    var isSettled = true
    var isAsked = true
    var told: RecordVersion??
    for candidate in candidates where progress.expected < width {
      switch candidate.state {
      case .questionable, .unresponsive, .failed:
        guard candidate.isMember else { continue }
        progress.silent += 1
      case .routing, .passedOver: continue
      case .late: break
      case .answered where candidate.isNew: progress.silent += 1
      case .answered:
        if let told, told != candidate.held { progress.isUnanimous = false }
        told = .some(candidate.held)
        if isSettled { progress.answered += 1 }
        if isAsked { progress.promised += 1 }
      case .waiting:
        // Nodes within reach are one neighbourhood: any of them knows it as well as the closest.
        if !isInReach(candidate) { isSettled = false }
        if isAsked { progress.promised += 1 }
      case .notContacted:
        if candidate.isQuestionable {
          guard candidate.isMember else { continue }
          progress.silent += 1
          break
        }
        if isInReach(candidate) { break }
        isSettled = false
        isAsked = false
      }
      progress.expected += 1
    }
    return progress
  }

  /// The nodes that count for a record, once the lookup has ended.
  ///
  /// These are the closest nodes among those that answered and those that should have. A node that is further away
  /// may hold a copy in the place of one that does not answer, but it has no vote.
  package struct Electorate: Hashable, Sendable {
    /// The number of nodes that count: n.
    package internal(set) var count = 0
    /// The number of these that answered, and are not new.
    package internal(set) var votes = 0
    /// The same without this node.
    package internal(set) var otherVotes = 0
    /// The number of these that are among the nodes that were named.
    package internal(set) var named = 0

    /// The number of these that answered and are new.
    package internal(set) var new = 0

    /// The number of nodes that should have answered and did not.
    package var silent: Int { count - votes - new }
    /// The votes that meet every confirmed write, which reached floor(n/2) + 1 of the n.
    package var neededVotes: Int { count - count / 2 }
    /// The confirmations that make a write one that every read meets.
    package var majority: Int { count / 2 + 1 }
    /// True if the votes meet every confirmed write.
    package var isReadable: Bool { votes >= neededVotes }
  }

  /// The nodes that count.
  ///
  /// - Parameters:
  ///   - most: the number of replicas.
  ///   - ids: nodes that are counted apart, as `named`.
  package func electorate(most: Int, naming ids: some Collection<NodeID> = EmptyCollection()) -> Electorate {
    var electorate = Electorate()
    var absent = absentees.isEmpty ? [] : absentees.confirmed[...]
    func addAbsentees(closerThan distance: Distance) {
      while let next = absent.first, next.distance < distance, electorate.count < most {
        absent.removeFirst()
        if candidate(next.id) == nil { electorate.count += 1 }
      }
    }
    for candidate in candidates where electorate.count < most {
      addAbsentees(closerThan: candidate.distance)
      guard electorate.count < most else { break }
      switch candidate.state {
      case .answered where candidate.isNew: electorate.new += 1
      case .answered:
        electorate.votes += 1
        if candidate.hop > 0 { electorate.otherVotes += 1 }
      case .notContacted, .waiting, .late, .questionable, .unresponsive, .failed:
        guard candidate.isMember || absentees.contains(candidate.peer.id) else { continue }
      case .routing, .passedOver: continue
      }
      electorate.count += 1
      if ids.contains(candidate.peer.id) { electorate.named += 1 }
    }
    addAbsentees(closerThan: .greatest)
    return electorate
  }

  /// The closest nodes that count, do not answer, and were not asked; at most `width`.
  var unaskedMembers: [Peer] {
    candidates.lazy.filter { $0.state == .notContacted && $0.isMember }.prefix(width).map(\.peer)
  }

  // MARK: - Versions ahead of the clock

  /// Returns the reports that are believed, oldest first: those with a seq up to `limit`, and of those above it the ones
  /// that more than half of the nodes heard report, or a newer one.
  func reports(believing limit: Int64) -> [HeldRecord] {
    var answers = 0
    var ahead: [Int64] = []
    for candidate in candidates where candidate.state == .answered {
      guard answers < width else { break }
      answers += 1
      if let held = candidate.held, held.seq > limit { ahead.append(held.seq) }
    }
    ahead.sort(by: >)
    // The greatest seq that more than half of the nodes have reached.
    let reached = ahead.count > answers / 2 ? ahead[answers / 2] : limit
    let believed = reports.filter { $0.version.seq <= max(limit, reached) }
    return believed.sorted { $0.version.seq < $1.version.seq }
  }

  // MARK: - Nodes that others name

  /// A node that names others, as far as its word counts: two nodes of one subnet of public addresses count as
  /// one, because one machine can have all their addresses.
  struct Namer: Hashable, Sendable {
    /// Neither 0 nor the greatest number.
    fileprivate let value: UInt64

    init(_ peer: Peer, _ limits: SubnetLimits) {
      let address = peer.endpoint.address
      let bits =
        switch (limits.cover(address), address.subnet) {
        case (false, _): peer.id.high
        case (true, .v4(let bits)): UInt64(bits)
        case (true, .v6(let high, let low)): high ^ low
        }
      value = min(max(bits, 1), .max - 1)
    }
  }

  /// The number of nodes that have named one, as far as it matters: none, one, or two and more.
  ///
  /// It is one word, because every candidate has one and is moved with it.
  struct Naming: Hashable, Sendable {
    /// 0 for no node, the greatest number for two or more, and otherwise the one node.
    private var bits: UInt64 = 0

    /// True if two nodes have named it.
    var isConfirmed: Bool { bits == .max }

    mutating func add(_ namer: Namer) {
      if bits == 0 { bits = namer.value } else if bits != namer.value { bits = .max }
    }
  }

  /// The nodes that answers report as lost: they answered others lately, and may hold the record.
  ///
  /// A single answer is not believed. A liar could otherwise invent any number of holders, and no read would
  /// ever hear enough of them.
  struct Absentees: Sendable {
    struct Entry: Sendable {
      let id: NodeID
      let distance: Distance
      var naming: Naming
    }

    /// The most nodes that are remembered; the furthest makes room.
    private static let capacity = 64
    /// The most nodes that are taken from one answer.
    private static let acceptedPerAnswer = 8
    /// Closest first.
    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    /// The nodes that two answers name, closest first.
    var confirmed: [Entry] { entries.filter(\.naming.isConfirmed) }

    /// Returns whether two answers name a node.
    func contains(_ id: NodeID) -> Bool { entries.contains { $0.id == id && $0.naming.isConfirmed } }

    mutating func add(_ ids: [NodeID], namedBy namer: Namer, around target: NodeID) {
      for id in ids.prefix(Self.acceptedPerAnswer) {
        if let index = entries.firstIndex(where: { $0.id == id }) {
          entries[index].naming.add(namer)
          continue
        }
        var entry = Entry(id: id, distance: target.distance(to: id), naming: Naming())
        entry.naming.add(namer)
        let index = entries.firstIndex { $0.distance > entry.distance } ?? entries.count
        entries.insert(entry, at: index)
        if entries.count > Self.capacity { entries.removeLast() }
      }
    }
  }
}
