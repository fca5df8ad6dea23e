import Kademlia
import NodeTime
import Signatures
import TestSupport
import Testing

@testable import RecordStore

/// The store keeps records of every kind, as they are, and finds them again.
@Suite("Records of every kind on disk")
struct OwnedRecordStoreTests {
  private static let key = SigningKey(seed: [UInt8](repeating: 7, count: SigningKey.seedByteCount))

  /// The number of records of each kind.
  private static func records(_ count: Int, expiry: Int64) throws -> [Record] {
    let key = try #require(key)
    return try (0..<count).flatMap { number in
      let value = SignedText.bencoded(Array("value \(number)".utf8))
      let salt = Array("name \(number)".utf8)
      let signature = try #require(
        key.signature(of: SignedText.of(salt: salt, seq: Int64(number), value: value)))
      return [
        Record(
          plainKey: salt, value: value, version: RecordVersion(seq: Int64(number), expiry: expiry)),
        Record(immutable: value, expiry: expiry),
        Record(
          signed: Record.Authorship(owner: key.publicKey, salt: salt, signature: signature), value: value,
          seq: Int64(number), expiry: expiry),
      ]
    }
  }

  @Test("they are read back unchanged, also after the file was closed, and pages list each once")
  func comeBack() throws {
    let directory = try makeTemporaryDirectory()
    defer { removeDirectory(directory) }
    let records = try Self.records(50, expiry: now.seconds + 3600)
    do {
      let (store, _) = try RecordStore.open(directory: directory, maxBytes: 16 << 20, at: now)
      let log = StoreUnderTest(store)
      for record in records { #expect(log.keep(record) == .success(1)) }
      #expect(store.usage.values == 150)
      store.close()
    }
    let (store, salvage) = try RecordStore.open(directory: directory, maxBytes: 16 << 20, at: now)
    #expect(salvage == nil)
    defer { store.close() }
    for record in records {
      #expect(store.stored(record.id)?.record == record)
      #expect(store.stored(record.id)?.record.isAuthentic == true)
    }
    var seen: [RecordID] = []
    var last: PagePlace?
    while true {
      let page = store.page(prefix: [], after: last, limit: 7, at: now)
      seen += page.map(\.id)
      guard let place = page.last.map({ PagePlace(of: $0) }) else { break }
      last = place
    }
    #expect(seen.count == 150 && Set(seen) == Set(records.map(\.id)))
    // Names that two kinds share come in the order of their IDs.
    #expect(store.page(prefix: Array("name 7".utf8), after: nil, limit: 9, at: now).count == 2)
  }

  @Test("a search of the file finds each from its entry alone")
  func search() throws {
    let coding = RecordCoding(salt: 0x1234_5678)
    for record in try Self.records(3, expiry: 2_000_000_000) {
      let stored = StoredRecord(record, hidesUntil: record.version.expiry)
      let entry = coding.encode(stored, in: .records)
      entry.withRawSpan { bytes in
        guard case .entry(let found, .records, let length) = coding.find(in: bytes) else {
          Issue.record("nothing was found")
          return
        }
        #expect(found == stored && length == entry.count)
        #expect(coding.decode(bytes, id: record.id, in: .records) == stored)
        let other = RecordID(record.id.kind == .plain ? .signed : .plain, record.target)
        #expect(coding.decode(bytes, id: other, in: .records) == nil)
      }
      // No damage to any byte goes by.
      for index in entry.indices {
        var damaged = entry
        damaged[index] ^= 1
        damaged.withRawSpan { #expect(coding.decode($0, id: record.id, in: .records) == nil) }
      }
    }
  }
}
