import NodeTime

/// The place of a node in its network, as far as the node can tell.
package enum Standing: String, Hashable, Sendable {
  /// The node is a network of its own: it has met no other node lately and was configured with none.
  case onlyNode = "only_node"
  /// The node reaches most of the nodes that it had.
  case connected
  /// Most of the nodes that this node had do not answer. It may be on the small side of a partition, so that it
  /// cannot know what the network holds.
  case cutOff = "cut_off"
  /// The node has met others, or was configured with some, and reaches none of them.
  case alone

  /// True if this node can neither say that a key has no value nor confirm a version.
  package var isCutOff: Bool { self == .cutOff || self == .alone }
}

/// A node that does not answer any more, and for how long it has not.
package struct SilentNode: Hashable, Sendable {
  /// The node.
  package let peer: Peer
  /// The time since it fell silent; 0 or more.
  package let duration: Duration

  package init(_ peer: Peer, for duration: Duration) {
    self.peer = peer
    self.duration = max(.zero, duration)
  }
}

/// The nodes that this node had and that do not answer any more.
///
/// A node that loses most of its contacts at once cannot tell whether they died or it was cut off. Until most of them
/// answer again it must not take its own view for the network's.
struct Reach: Sendable {
  private struct Silence: Sendable {
    let peer: Peer
    let since: Instant
    /// The subnet of the node, if its address counts against the limits of subnets.
    let subnet: IPAddress?
  }

  /// The time for which a silent node counts while most others answer.
  private static let shortMemory: Duration = .seconds(600)
  /// The most time for which a silent node counts.
  private static let longMemory: Duration = .seconds(24 * 3600)
  /// The most silent nodes that are remembered; the one that has been silent longest makes room.
  private static let capacity = 4096

  private var silent: [NodeID: Silence] = [:]
  /// The time before which no entry is old enough to be dropped.
  private var nextExpiry = Instant(nanoseconds: .max)

  /// The number of silent nodes that count against those that answer.
  var silentCount: Int { silent.count }

  /// The silent nodes, in the order of their IDs.
  func nodes(_ now: Instant) -> [SilentNode] {
    silent.values.sorted { $0.peer.id < $1.peer.id }.map { silence in
      SilentNode(silence.peer, for: now.since(silence.since))
    }
  }

  /// Remembers nodes from before the start: those that were silent, and the contacts, which have not answered yet.
  mutating func remember(_ now: Instant, _ nodes: [SilentNode], _ limits: SubnetLimits) {
    for node in nodes {
      fellSilent(Instant(nanoseconds: now.nanoseconds &- node.duration.nanoseconds), node.peer, limits)
    }
  }

  /// Handles a query to a contact that has failed.
  ///
  /// A subnet counts no more often than it may be in a bucket: the owner of many addresses in it must not cut
  /// this node off by falling silent at all of them.
  mutating func fellSilent(_ now: Instant, _ peer: Peer, _ limits: SubnetLimits) {
    guard silent[peer.id] == nil else { return }
    let address = peer.endpoint.address
    let subnet = limits.cover(address) ? address.subnet : nil
    if let subnet, silent.values.count(where: { $0.subnet == subnet }) >= limits.perBucket { return }
    add(Silence(peer: peer, since: now, subnet: subnet))
  }

  private mutating func add(_ silence: Silence) {
    let id = silence.peer.id
    remove(id)
    if silent.count >= Self.capacity, let oldest { remove(oldest) }
    silent[id] = silence
    nextExpiry = min(nextExpiry, silence.since + Self.shortMemory)
  }

  private var oldest: NodeID? {
    silent.min { ($0.value.since, $0.key) < ($1.value.since, $1.key) }?.key
  }

  /// Handles a node that has answered, whose address another node has now, or that the user has forgotten.
  mutating func remove(_ id: NodeID) {
    if !silent.isEmpty { silent[id] = nil }
  }

  /// Forgets nodes that have been silent for long enough.
  ///
  /// - Parameter reached: the number of contacts that answer.
  mutating func expire(_ now: Instant, reached: Int) {
    guard nextExpiry <= now else { return }
    let memory = reached == 0 || isMajoritySilent(reached: reached) ? Self.longMemory : Self.shortMemory
    nextExpiry = Instant(nanoseconds: .max)
    for (id, silence) in silent {
      if now.since(silence.since) >= memory {
        remove(id)
      } else {
        nextExpiry = min(nextExpiry, silence.since + memory)
      }
    }
    // The majority may answer again before the long memory ends.
    if !silent.isEmpty { nextExpiry = min(nextExpiry, now + Self.shortMemory) }
  }

  /// Returns whether this node reaches no majority of the nodes that it had, itself included.
  private func isMajoritySilent(reached: Int) -> Bool {
    1 + reached < (1 + reached + silent.count) / 2 + 1
  }

  /// Returns the place of this node in its network.
  ///
  /// - Parameters:
  ///   - reached: the number of contacts that answer.
  ///   - isConfigured: whether addresses of other nodes are configured.
  func standing(reached: Int, isConfigured: Bool) -> Standing {
    guard reached > 0 else { return silent.isEmpty && !isConfigured ? .onlyNode : .alone }
    return isMajoritySilent(reached: reached) ? .cutOff : .connected
  }
}
