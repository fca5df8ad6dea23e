import NodeTime

/// The records that some node has replicated lately, so that one of the holders does it and not all.
///
/// The log is a direct-mapped table: if two records fall on one slot, the later replaces the earlier. The log
/// is therefore bounded, and a lost entry costs one extra check of the holders, but no copy.
struct ReplicationLog: Sendable {
  /// Each slot has 40 bits of the record's hash, of which the lowest choose the slot, and the time in seconds
  /// since `origin`, counted from 1. An empty slot is 0.
  private var slots: [UInt64]
  private let origin: Instant
  private let salt: UInt64

  private static let fewestSlots = 1 << 8
  /// 8 MiB.
  private static let mostSlots = 1 << 20
  private static let timeBits: UInt64 = 24

  /// - Parameter salt: random bits, so that nobody can choose keys that evict each other.
  init(_ now: Instant, salt: UInt64) {
    origin = now
    self.salt = salt
    slots = Array(repeating: 0, count: Self.fewestSlots)
  }

  private func hash(_ id: RecordID) -> UInt64 {
    // The holders of a record share the leading bits of their records: the other bits tell records apart.
    var bits = (id.target.middle ^ salt) &+ (UInt64(id.target.low) << 8) &+ UInt64(id.kind.rawValue)
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return (bits ^ (bits >> 31)) & ((1 << 40) - 1)
  }

  private func seconds(_ now: Instant) -> UInt64 {
    let elapsed = max(0, now.since(origin).nanoseconds / 1_000_000_000) + 1
    return UInt64(elapsed) & ((1 << Self.timeBits) - 1)
  }

  private func slot(_ hash: UInt64) -> Int { Int(hash & UInt64(slots.count - 1)) }

  /// Makes room for a number of records.
  mutating func reserve(_ records: Int) {
    guard records > slots.count, slots.count < Self.mostSlots else { return }
    let old = slots
    var count = slots.count
    while count < records, count < Self.mostSlots { count *= 2 }
    slots = Array(repeating: 0, count: count)
    for entry in old where entry != 0 { slots[slot(entry >> Self.timeBits)] = entry }
  }

  /// Notes that some node has just made sure that all holders have a record.
  mutating func note(_ now: Instant, _ id: RecordID) {
    let hash = hash(id)
    slots[slot(hash)] = (hash << Self.timeBits) | seconds(now)
  }

  /// Returns whether the holders of a record were checked within a time.
  func isRecent(_ now: Instant, _ id: RecordID, within time: Duration) -> Bool {
    let hash = hash(id)
    let entry = slots[slot(hash)]
    guard entry != 0, entry >> Self.timeBits == hash else { return false }
    let age = seconds(now) &- entry & ((1 << Self.timeBits) - 1)
    return Duration.seconds(Int64(age)) < time
  }
}
