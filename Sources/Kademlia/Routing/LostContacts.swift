import DequeModule
import NodeTime

/// Contacts that stopped answering and left the table, each for as long as its silence counts.
///
/// Such a node may still hold what it confirmed. It counts among the holders of a key for a while, so that no
/// reader takes its silence for "there is none".
struct LostContacts: Sendable {
  /// A contact that left the table.
  struct Entry: Sendable {
    let peer: Peer
    let lastAnswered: Instant
    let keepsPlainRecords: Bool
  }

  /// The time for which a node counts after its last answer.
  static let memory: Duration = .seconds(600)
  /// The most nodes that are remembered; the oldest entry makes room.
  private static let capacity = 4096

  /// The entries in the order in which they were lost.
  private var entries: Deque<Entry> = []

  var isEmpty: Bool { entries.isEmpty }

  /// Remembers a contact that has left the table because it did not answer.
  ///
  /// A subnet has no more places here than in a bucket: the owner of many addresses in it must not fill the
  /// table with nodes that stop answering.
  mutating func add(_ now: Instant, _ contact: Contact, _ limits: SubnetLimits) {
    remove(contact.id)
    while let oldest = entries.first,
      entries.count >= Self.capacity || now.since(oldest.lastAnswered) >= Self.memory
    {
      entries.removeFirst()
    }
    let address = contact.peer.endpoint.address
    if limits.cover(address) {
      let neighbours = entries.count { $0.peer.endpoint.address.subnet == address.subnet }
      guard neighbours < limits.perBucket else { return }
    }
    entries.append(
      Entry(
        peer: contact.peer, lastAnswered: contact.lastAnswered, keepsPlainRecords: contact.keepsPlainRecords))
  }

  /// Forgets a node: it has answered, or the user has said that it is gone.
  mutating func remove(_ id: NodeID) {
    guard let index = entries.firstIndex(where: { $0.peer.id == id }) else { return }
    entries.remove(at: index)
  }

  /// The entry of a node whose silence counts; nil if there is none.
  func entry(_ now: Instant, _ id: NodeID) -> Entry? {
    entries.first { $0.peer.id == id && now.since($0.lastAnswered) < Self.memory }
  }

  /// The nodes whose silence counts for records of a kind.
  func members(_ now: Instant, keeping kind: RecordKind) -> some Sequence<Peer> {
    entries.lazy.filter {
      (kind != .plain || $0.keepsPlainRecords) && now.since($0.lastAnswered) < Self.memory
    }.map(\.peer)
  }
}
