import NodeTime

/// The iterative lookup (paper, section 2.3), as a value that sends nothing. It names the next node to ask,
/// takes the outcome of each query, and knows when the K closest live nodes have answered.
///
/// There are no rounds. Each answer starts the next query at once, and so does each query that is
/// late, so that one slow or dead node does not hold up the lookup.
package struct Lookup: Sendable {
  /// The point that is looked up.
  package let target: NodeID
  /// The number of live nodes to find. It grows when a node that was found turns out to be of no use and
  /// another is needed in its place, and when the nodes found are crowded (`widenIfCrowded`).
  package internal(set) var width: Int
  /// The most queries to the closest nodes under way; late ones are not counted. Up to as many again may be
  /// under way to nodes further away. The lookup does not wait for these: it has heard of closer nodes since.
  package let alpha: Int
  /// True if questionable nodes are asked only when too few others are left.
  package var avoidsQuestionable = false
  private let local: NodeID
  /// The limits on nodes of one subnet.
  let caps: SubnetLimits
  /// The number of paths; `turn` is the path that is next to ask.
  package internal(set) var pathCount: UInt8 = 1
  var turn: UInt8 = 0
  /// Nodes within this distance of the target are equally good, and each lookup asks them in an order of its
  /// own. If nil, the closest node is always next.
  private var spreadRadius: Distance?
  private var salt: UInt64 = 0
  /// The shortlist, sorted by distance.
  package internal(set) var candidates: [Candidate] = []
  /// The nodes that answered at an endpoint where another was asked.
  private var verifiedPeers: [Peer] = []
  /// The nodes that answers report as lost.
  var absentees = Absentees()
  /// The records and versions that nodes returned, each once: most nodes return the same.
  private(set) var reports: [HeldRecord] = []
  /// True if nodes that are new do not count among those to find: another is asked for each of them.
  var passesOverNewNodes = false
  /// True if any node has reported a version that is not believed from a single node.
  var hasDoubtfulReports = false
  private var waiting = 0
  private var waitingQuestionable = 0
  /// The number of nodes that have been asked.
  package private(set) var queries = 0

  /// The most nodes on a shortlist with one path: neither a liar nor a crowd makes a lookup large.
  package static let capacity = 128
  /// The most nodes that one answer may add to it.
  package static let acceptedPerAnswer = 20

  /// - Parameter local: this node, which never asks itself.
  package init(target: NodeID, width: Int, alpha: Int, local: NodeID, caps: SubnetLimits = .off) {
    self.target = target
    self.width = width
    self.alpha = alpha
    self.local = local
    self.caps = caps
  }

  // MARK: - Candidates

  /// Adds contacts of this node.
  ///
  /// - Parameter isMember: returns whether a contact counts among the holders even if it does not answer.
  /// - Returns: whether any of them is new to the lookup.
  @discardableResult
  package mutating func seed(
    with contacts: [Contact], isMember: (Contact) -> Bool = { _ in false }
  ) -> Bool {
    var isNew = false
    for contact in contacts {
      let known = PeerKnowledge(
        isQuestionable: contact.state == .questionable, roundTrip: contact.roundTrip.smoothed ?? .zero,
        isMember: isMember(contact))
      let added = insert(contact.peer, hop: 1, known, .all)
      isNew = added || isNew
    }
    return isNew
  }

  /// Adds nodes that count among the holders, although they do not answer at present.
  mutating func seed(withSilent peers: [Peer]) {
    for peer in peers {
      _ = insert(peer, hop: 1, PeerKnowledge(isQuestionable: true, isMember: true), .all)
    }
  }

  /// Adds this node itself, as one that has answered already.
  package mutating func seed(withLocal peer: Peer, answer: Answer) {
    let index = place(of: peer.id)
    candidates.insert(
      Candidate(
        peer: peer, distance: target.distance(to: peer.id), hop: 0, known: PeerKnowledge(), state: .answered,
        paths: .all),
      at: index)
    note(answer, at: index)
  }

  private mutating func note(_ answer: Answer, at index: Int) {
    candidates[index].token = answer.token
    candidates[index].isOfOurMake = answer.isOfOurMake
    candidates[index].isNew = answer.isNew
    candidates[index].held = answer.held?.version
    guard let held = answer.held else { return }
    candidates[index].reportIndex = reports.firstIndex(of: held) ?? reports.count
    if candidates[index].reportIndex == reports.count { reports.append(held) }
  }

  /// The answer of a node that has answered and may be one of the K closest; nil for any other node.
  package func answer(of candidate: Candidate) -> Answer? {
    guard candidate.state == .answered else { return nil }
    return Answer(
      token: candidate.token, held: candidate.reportIndex.map { reports[$0] },
      isOfOurMake: candidate.isOfOurMake, isNew: candidate.isNew)
  }

  /// - Parameters:
  ///   - paths: the paths on which the node was named.
  ///   - namer: the node that named it; nil for a contact of this node.
  private mutating func insert(
    _ peer: Peer, hop: Int, _ known: PeerKnowledge, _ paths: Paths, namedBy namer: Namer? = nil
  ) -> Bool {
    guard peer.id != local else { return false }
    let index = place(of: peer.id)
    if index < candidates.count, candidates[index].peer.id == peer.id {
      candidates[index].paths.formUnion(paths)
      if let namer { candidates[index].naming.add(namer) }
      return false
    }
    let isCapped = caps.cover(peer.endpoint.address)
    if isCapped, !admits(peer, at: index) { return false }
    if pathCount > 1 {
      for path in 0..<pathCount where hop > 1 && paths.contains(path) {
        guard makeRoom(on: path, at: index) else { return false }
      }
    } else if candidates.count >= Self.capacity {
      // The furthest that was not asked yet makes room. Those that were asked stay, wherever they
      // are: the first contacts of a lookup are its furthest.
      guard let last = candidates.lastIndex(where: \.isUnasked), last >= index
      else { return false }
      candidates.remove(at: last)
    }
    var candidate = Candidate(
      peer: peer, distance: target.distance(to: peer.id), hop: hop, known: known, state: .notContacted,
      paths: paths)
    if let namer { candidate.naming.add(namer) }
    if isAsked(peer.endpoint) {
      candidate.isVerified = verifiedPeers.contains(peer)
      if !candidate.isVerified { candidate.state = .passedOver }
    }
    candidates.insert(candidate, at: index)
    if isCapped { balance(peer.endpoint.address.subnet) }
    return true
  }

  /// Returns whether a node at an endpoint was asked, under whatever ID.
  func isAsked(_ endpoint: Endpoint) -> Bool {
    candidates.contains { $0.order != nil && $0.peer.endpoint == endpoint }
  }

  /// Where a node is on the shortlist, or would be.
  private func place(of id: NodeID) -> Int {
    let distance = target.distance(to: id)
    var low = 0
    var high = candidates.count
    while low < high {
      let middle = (low + high) / 2
      if candidates[middle].distance < distance { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func index(of id: NodeID) -> Int? {
    let index = place(of: id)
    return index < candidates.count && candidates[index].peer.id == id ? index : nil
  }

  /// The shortlist's entry for a node.
  package func candidate(_ id: NodeID) -> Candidate? {
    index(of: id).map { candidates[$0] }
  }

  /// Asks the nodes within a distance of the target in an order that the salt determines.
  package mutating func spread(within radius: Distance, salt: UInt64) {
    self.spreadRadius = radius
    self.salt = salt
  }

  func isInReach(_ candidate: Candidate) -> Bool {
    spreadRadius.map { candidate.distance <= $0 } ?? false
  }

  /// A node's place in the order of this lookup.
  private func rank(_ candidate: Candidate) -> UInt64 {
    let bits = (candidate.peer.id.high ^ salt) &* 0x9E37_79B9_7F4A_7C15
    return bits ^ (bits >> 29)
  }

  // MARK: - The next node

  /// Returns the next node to ask, which counts as asked from here on; nil if none should be asked now.
  package mutating func next() -> Candidate? {
    if pathCount > 1 { return nextOnPaths() }
    guard let index = nextIndex() else { return nil }
    if !candidates[index].isQuestionable {
      guard waiting < alpha || waiting < 2 * alpha && waitingCloser(than: index) < alpha else { return nil }
    }
    return ask(index)
  }

  /// Counts a node as asked.
  mutating func ask(_ index: Int) -> Candidate {
    if candidates[index].isQuestionable {
      waitingQuestionable += 1
      candidates[index].state = .questionable
    } else {
      waiting += 1
      candidates[index].state = .waiting
    }
    queries += 1
    candidates[index].order = queries
    let candidate = candidates[index]
    // One query an endpoint: a liar that names one address under many IDs must not have it flooded.
    for other in candidates.indices
    where candidates[other].peer.endpoint == candidate.peer.endpoint && candidates[other].isUnasked
      && !candidates[other].isVerified
    {
      candidates[other].state = .passedOver
    }
    let address = candidate.peer.endpoint.address
    if caps.cover(address) { balance(address.subnet) }
    return candidate
  }

  /// Handles a node that has become questionable just before it was asked: it is asked as such, if at all.
  package mutating func markQuestionable(_ id: NodeID) {
    guard let index = index(of: id), candidates[index].state == .waiting else { return }
    leave(index, for: .notContacted)
    candidates[index].isQuestionable = true
    candidates[index].order = nil
    queries -= 1
    // Another ID at the endpoint was passed over for this one.
    let endpoint = candidates[index].peer.endpoint
    for other in candidates.indices
    where candidates[other].state == .passedOver && candidates[other].peer.endpoint == endpoint {
      candidates[other].state = .notContacted
    }
    if caps.cover(endpoint.address) { balance(endpoint.address.subnet) }
  }

  private func waitingCloser(than index: Int) -> Int {
    candidates[..<index].count { $0.state == .waiting }
  }

  /// The closest node not asked yet, or any of those within reach, unless enough closer ones have
  /// answered or are about to.
  private func nextIndex() -> Int? {
    var inPlay = 0
    var choice: (index: Int, rank: UInt64)?
    var lastResort: Int?
    for (index, candidate) in candidates.enumerated() {
      guard inPlay < width else { return choice?.index }
      switch candidate.state {
      case .notContacted:
        if candidate.isQuestionable {
          guard waitingQuestionable < alpha else { continue }
          if !avoidsQuestionable { return index }
          lastResort = lastResort ?? index
          continue
        }
        guard isInReach(candidate) else {
          return choice?.index ?? quickest(from: index, among: width - inPlay)
        }
        let rank = rank(candidate)
        if choice.map({ rank < $0.rank }) ?? true { choice = (index, rank) }
        inPlay += 1
      case .waiting: inPlay += 1
      case .answered: if isFound(candidate) { inPlay += 1 }
      // A late answer may still come, but another node is asked as if it would not.
      case .late, .questionable, .unresponsive, .routing, .failed, .passedOver: break
      }
    }
    return choice?.index ?? lastResort
  }

  /// The node that should answer first, among those not asked yet that share as many bits with the target as
  /// the one at `first`: each of them leads equally far.
  private func quickest(from first: Int, among most: Int) -> Int {
    let shared = candidates[first].distance.leadingZeroBitCount
    var best = first
    for index in candidates[first...].indices.prefix(most) {
      guard candidates[index].distance.leadingZeroBitCount == shared else { break }
      if candidates[index].state == .notContacted, !candidates[index].isQuestionable,
        candidates[index].expectedRTT < candidates[best].expectedRTT
      {
        best = index
      }
    }
    return best
  }

  /// True if the closest live nodes have answered: `width` of them, or all there are. With several paths,
  /// true if this holds for the nodes named on each path.
  package var isFinished: Bool {
    pathCount > 1 ? arePathsFinished : isFinished { _ in true }
  }

  /// Returns whether the same holds for some of the nodes.
  @inline(__always)
  func isFinished(_ isOfInterest: (Candidate) -> Bool) -> Bool {
    var answered = 0
    var isHopeful = false
    for candidate in candidates where isOfInterest(candidate) {
      guard answered < width else { return true }
      switch candidate.state {
      case .answered: if isFound(candidate) { answered += 1 }
      case .notContacted:
        guard candidate.isQuestionable else { return false }
        isHopeful = true
      case .waiting, .late: return false
      case .questionable: isHopeful = true
      case .unresponsive, .routing, .failed, .passedOver: break
      }
    }
    return answered >= width || !isHopeful
  }

  /// True if the lookup found as many nodes as it looked for, and not just all there are.
  package var isFull: Bool {
    var answered = 0
    for candidate in candidates where candidate.state == .answered && isFound(candidate) {
      answered += 1
      if answered == width { return true }
    }
    return answered >= width
  }

  /// Returns whether a node that has answered counts among those to find.
  private func isFound(_ candidate: Candidate) -> Bool { !candidate.isNew || !passesOverNewNodes }

  /// The closest nodes that have answered, closest first, at most `width`; with several paths, some of each.
  package var closest: [Candidate] {
    if pathCount > 1 { return closestOfPaths }
    var found: [Candidate] = []
    found.reserveCapacity(min(width, candidates.count))
    for candidate in candidates {
      if candidate.state == .answered {
        found.append(candidate)
        if found.count == width { break }
      }
    }
    return found
  }

  /// Looks for one more node than before.
  package mutating func widen() {
    width += 1
  }

  /// The closest nodes that are not known to be dead or of no use, at most `width`: the K closest, as far as
  /// this lookup knows.
  package var nearest: [Candidate] {
    var found: [Candidate] = []
    found.reserveCapacity(min(width, candidates.count))
    for candidate in candidates where found.count < width {
      switch candidate.state {
      case .answered, .notContacted, .waiting, .late: found.append(candidate)
      case .questionable, .unresponsive, .routing, .failed, .passedOver: break
      }
    }
    return found
  }

  // MARK: - Outcomes of queries

  /// Handles the answer of a node.
  ///
  /// - Parameters:
  ///   - answer: the answer; nil if the node only routes.
  ///   - nodes: the nodes that it named.
  ///   - lost: the nodes that it lost lately, and that may hold the record.
  ///   - knowledge: what we know of one of these; nil for one that we cannot send to.
  package mutating func answered(
    _ id: NodeID, _ answer: Answer?, nodes: [Peer], lost: [NodeID] = [], after roundTrip: Duration,
    knowledge: (Peer) -> PeerKnowledge?
  ) {
    guard let index = index(of: id) else { return }
    let counts = answer != nil && !isTooLate(index)
    candidates[index].roundTrip = roundTrip
    let hop = candidates[index].hop + 1
    let path = Paths(candidates[index].path)
    leave(index, for: counts ? .answered : .routing)
    if counts, let answer { note(answer, at: index) }
    let namer = Namer(candidates[index].peer, caps)
    if counts, !lost.isEmpty { absentees.add(lost, namedBy: namer, around: target) }
    for peer in nodes.prefix(Self.acceptedPerAnswer) {
      guard let known = knowledge(peer) else { continue }
      _ = insert(peer, hop: hop, known, path, namedBy: namer)
    }
  }

  /// Handles a query that is past its first soft timeout.
  package mutating func handleSoftTimeout(_ id: NodeID) {
    guard let index = index(of: id) else { return }
    switch candidates[index].state {
    case .waiting: leave(index, for: .late)
    // An earlier query has already waited for this node.
    case .questionable: leave(index, for: .unresponsive)
    case .notContacted, .late, .unresponsive, .answered, .routing, .failed, .passedOver: break
    }
  }

  /// Handles a query that is past its second soft timeout.
  package mutating func handleSecondTimeout(_ id: NodeID) {
    guard let index = index(of: id) else { return }
    switch candidates[index].state {
    case .waiting, .late, .questionable: leave(index, for: .unresponsive)
    case .notContacted, .unresponsive, .answered, .routing, .failed, .passedOver: break
    }
  }

  /// Handles a node that answered at an endpoint where another was asked. The node may be asked itself, now
  /// or once it is named: a liar that names its endpoint under other IDs must not keep it out.
  package mutating func verified(_ peer: Peer) {
    // There is one entry for a query at most.
    verifiedPeers.append(peer)
    guard let index = index(of: peer.id), candidates[index].state == .passedOver,
      candidates[index].peer.endpoint == peer.endpoint
    else { return }
    candidates[index].isVerified = true
    candidates[index].state = .notContacted
    let address = candidates[index].peer.endpoint.address
    if caps.cover(address) { balance(address.subnet) }
  }

  /// Handles a query that failed or whose answer was of no use.
  package mutating func failed(_ id: NodeID) {
    guard let index = index(of: id) else { return }
    leave(index, for: .failed)
  }

  private mutating func leave(_ index: Int, for state: State) {
    switch candidates[index].state {
    case .waiting: waiting -= 1
    case .questionable: waitingQuestionable -= 1
    case .notContacted, .late, .unresponsive, .answered, .routing, .failed, .passedOver: break
    }
    candidates[index].state = state
    candidates[index].held = nil
    candidates[index].token = nil
    candidates[index].reportIndex = nil
    candidates[index].isNew = false
    let address = candidates[index].peer.endpoint.address
    if caps.cover(address) { balance(address.subnet) }
  }
}
