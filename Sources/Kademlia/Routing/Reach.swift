import NodeTime

/// The place of a node in its network, as far as the node can tell.
package enum Standing: String, Hashable, Sendable {
  /// The node is a network of its own: it has met no other node and was configured with none.
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

/// Which of the nodes that this node had still answer.
///
/// A node that loses most of its contacts at once cannot tell whether they died or it was cut off. Until most of them
/// answer again it must not take its own view for the network's.
struct Reach: Sendable {
  private struct Silence: Sendable {
    var since: Instant
    /// True if the node is a contact in the table.
    var isContact: Bool
    /// True if the node answered this run of the node. A contact from before the start may be long gone.
    let wasReached: Bool
  }

  /// How long a silent node counts while most others answer.
  private static let shortMemory: Duration = .seconds(600)
  /// How long a silent node counts at most.
  private static let longMemory: Duration = .seconds(24 * 3600)
  /// The most silent nodes that are remembered; the one that has been silent longest makes room.
  private static let capacity = 4096

  private var silent: [NodeID: Silence] = [:]
  private var silentContacts = 0
  private var silentReached = 0
  /// The time before which no entry is old enough to be dropped.
  private var nextExpiry = Instant(nanoseconds: .max)

  /// Remembers contacts from before the start.
  mutating func remember(_ now: Instant, _ peers: [Peer]) {
    for peer in peers { add(now, peer.id, isContact: false, wasReached: false) }
  }

  /// A query to a contact has failed.
  mutating func fellSilent(_ now: Instant, _ id: NodeID) {
    guard silent[id] == nil else { return }
    add(now, id, isContact: true, wasReached: true)
  }

  private mutating func add(_ now: Instant, _ id: NodeID, isContact: Bool, wasReached: Bool) {
    if silent.count >= Self.capacity, let oldest = oldest { remove(oldest) }
    silent[id] = Silence(since: now, isContact: isContact, wasReached: wasReached)
    if isContact { silentContacts += 1 }
    if wasReached { silentReached += 1 }
    nextExpiry = min(nextExpiry, now + Self.shortMemory)
  }

  private var oldest: NodeID? {
    silent.min { ($0.value.since, $0.key) < ($1.value.since, $1.key) }?.key
  }

  /// A node has answered, or another node is at its address.
  mutating func remove(_ id: NodeID) {
    guard !silent.isEmpty, let entry = silent.removeValue(forKey: id) else { return }
    if entry.isContact { silentContacts -= 1 }
    if entry.wasReached { silentReached -= 1 }
  }

  /// A contact has left the table because it did not answer.
  mutating func leftTable(_ id: NodeID) {
    guard silent[id]?.isContact == true else { return }
    silent[id]?.isContact = false
    silentContacts -= 1
  }

  /// Forgets nodes that have been silent for long enough.
  mutating func expire(_ now: Instant, contacts: Int) {
    guard nextExpiry <= now else { return }
    let memory = isMajoritySilent(contacts: contacts) ? Self.longMemory : Self.shortMemory
    nextExpiry = Instant(nanoseconds: .max)
    for (id, entry) in silent {
      // A contact in the table is pinged: it answers or leaves.
      if entry.isContact { continue }
      if now.since(entry.since) >= memory {
        remove(id)
      } else {
        nextExpiry = min(nextExpiry, entry.since + memory)
      }
    }
    // The majority may have changed before the long memory ends.
    if !silent.isEmpty { nextExpiry = min(nextExpiry, now + Self.shortMemory) }
  }

  /// Returns whether this node reaches no majority of the nodes that it had, itself included.
  private func isMajoritySilent(contacts: Int) -> Bool {
    let reached = 1 + contacts - silentContacts
    return reached < (reached + silentReached) / 2 + 1
  }

  /// Returns the place of this node in its network.
  ///
  /// - Parameters:
  ///   - contacts: the number of contacts in the table.
  ///   - isConfigured: whether addresses of other nodes are configured.
  func standing(contacts: Int, isConfigured: Bool) -> Standing {
    guard contacts > silentContacts else { return silent.isEmpty && !isConfigured ? .onlyNode : .alone }
    return isMajoritySilent(contacts: contacts) ? .cutOff : .connected
  }
}
