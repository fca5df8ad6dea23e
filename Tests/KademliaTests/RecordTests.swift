import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Versions of a record")
struct RecordTests {
  /// Every version that a few seqs, values and tombstones can make.
  private let versions: [Record] = (1...4).flatMap { (seq: Int64) in
    [Record.tombstone("k", seq: seq)] + ["", "a", "b", "c"].map { Record.plain("k", $0, seq: seq) }
  }

  @Test("of two different versions exactly one supersedes the other")
  func total() {
    for a in versions {
      for b in versions {
        if a.isSameVersion(as: b) {
          #expect(!a.supersedes(b) && !b.supersedes(a))
        } else {
          #expect(a.supersedes(b) != b.supersedes(a))
        }
      }
    }
  }

  @Test("the order has no cycles")
  func transitive() {
    for a in versions {
      for b in versions where a.supersedes(b) {
        for c in versions where b.supersedes(c) { #expect(a.supersedes(c)) }
      }
    }
  }

  @Test("in whatever order versions arrive, every holder ends with the same one", arguments: 0..<50)
  func convergence(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let some = (0..<6).map { _ in versions.randomElement(using: &random) ?? versions[0] }
    var held = Set<Record>()
    for _ in 0..<20 {
      var stored: StoredRecord?
      for record in some.shuffled(using: &random) {
        if case .kept(let new) = StoredRecord.deciding(held: stored, arriving: record) { stored = new }
      }
      if let stored { held.insert(stored.record) }
    }
    #expect(held.count == 1)
    #expect(some.allSatisfy { !$0.supersedes(held.first ?? $0) })
  }

  @Test("a greater seq wins, then a tombstone, then the greater SHA-1 of the value")
  func ranking() {
    #expect(Record.plain("k", "a", seq: 2).supersedes(.tombstone("k", seq: 1)))
    #expect(Record.tombstone("k", seq: 2).supersedes(.plain("k", "", seq: 2)))
    // SHA-1: "a" 86f7…, "b" e9d7…, "c" 84a5….
    #expect(Record.plain("k", "b", seq: 2).supersedes(.plain("k", "a", seq: 2)))
    #expect(Record.plain("k", "a", seq: 2).supersedes(.plain("k", "c", seq: 2)))
  }

  @Test("the extreme seqs are ordered like any other")
  func extremes() {
    #expect(Record.plain("k", "a", seq: .max).supersedes(.plain("k", "a", seq: .min)))
    #expect(!Record.plain("k", "a", seq: .min).supersedes(.tombstone("k", seq: .max)))
  }

  @Test("the same version keeps the greater expiry")
  func expiry() {
    let short = Record.plain("k", "a", seq: 1, expiry: 100)
    let long = Record.plain("k", "a", seq: 1, expiry: 200)
    let held = StoredRecord(short, hidesUntil: 100)
    #expect(
      StoredRecord.deciding(held: held, arriving: long)
        == .kept(StoredRecord(long, hidesUntil: 200)))
    #expect(
      StoredRecord.deciding(held: StoredRecord(long, hidesUntil: 200), arriving: short) == .unchanged)
  }

  @Test("a version hides older ones until the latest expiry among those it replaced")
  func hiding() {
    let old = Record.plain("k", "a", seq: 1, expiry: 500)
    let new = Record.plain("k", "b", seq: 2, expiry: 100)
    guard
      case .kept(let stored) = StoredRecord.deciding(
        held: StoredRecord(old, hidesUntil: 500), arriving: new)
    else {
      Issue.record("the newer version was not kept")
      return
    }
    #expect(stored.record == new)
    #expect(stored.hidesUntil == 500)
    #expect(stored.live(at: WallTime(seconds: 99)) == new)
    #expect(stored.live(at: WallTime(seconds: 100)) == nil)
    #expect(StoredRecord.deciding(held: stored, arriving: old) == .stale(than: new.version))
  }

  @Test("the target of a plain record is the SHA-1 of its key")
  func target() {
    #expect(Record.plain("hello", "world", seq: 1).target == NodeID(sha1Of: Array("hello".utf8)))
  }
}
