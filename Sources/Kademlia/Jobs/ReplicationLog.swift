import NodeTime

/// Which records somebody has replicated lately, so that one of the holders does it and not all.
///
/// A direct-mapped table: a record takes the place of another where both fall on one slot, so that the
/// log is bounded and what it forgets costs an extra look at the holders, and no copy.
struct ReplicationLog: Sendable {
  /// Each slot: 40 bits of the record's hash, of which the lowest choose the slot, and the time in
  /// seconds since `origin`, counted from 1; 0 is an empty slot.
  private var slots: [UInt64]
  private let origin: Instant
  private let salt: UInt64

  private static let fewestSlots = 1 << 8
  /// 8 MiB.
  private static let mostSlots = 1 << 20
  private static let timeBits: UInt64 = 24

  /// - Parameter salt: random bits, so that nobody can choose keys that push each other out.
  init(_ now: Instant, salt: UInt64) {
    origin = now
    self.salt = salt
    slots = Array(repeating: 0, count: Self.fewestSlots)
  }

  private func hash(_ id: RecordID) -> UInt64 {
    // The holders of a record share its leading bits: the others tell records apart.
    var bits = (id.target.middle ^ salt) &+ UInt64(id.target.low) << 8 &+ UInt64(id.kind.rawValue)
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return (bits ^ bits >> 31) & (1 << 40 - 1)
  }

  private func seconds(_ now: Instant) -> UInt64 {
    let elapsed = max(0, now.since(origin).nanoseconds / 1_000_000_000) + 1
    return UInt64(elapsed) & (1 << Self.timeBits - 1)
  }

  private func slot(_ hash: UInt64) -> Int { Int(hash & UInt64(slots.count - 1)) }

  /// Makes room for so many records.
  mutating func reserve(_ records: Int) {
    guard records > slots.count, slots.count < Self.mostSlots else { return }
    let old = slots
    var count = slots.count
    while count < records, count < Self.mostSlots { count *= 2 }
    slots = Array(repeating: 0, count: count)
    for entry in old where entry != 0 { slots[slot(entry >> Self.timeBits)] = entry }
  }

  /// Somebody has just seen to it that all holders have a record.
  mutating func note(_ now: Instant, _ id: RecordID) {
    let hash = hash(id)
    slots[slot(hash)] = hash << Self.timeBits | seconds(now)
  }

  /// Whether somebody has, within a time.
  func isRecent(_ now: Instant, _ id: RecordID, within time: Duration) -> Bool {
    let hash = hash(id)
    let entry = slots[slot(hash)]
    guard entry != 0, entry >> Self.timeBits == hash else { return false }
    let age = seconds(now) &- entry & (1 << Self.timeBits - 1)
    return Duration.seconds(Int64(age)) < time
  }
}
