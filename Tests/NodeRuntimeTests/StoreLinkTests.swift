import Kademlia
import Logging
import NodeTime
import Testing

@testable import NodeRuntime

@Suite("The link to the record store")
struct StoreLinkTests {
  private let captured = CapturedLog()
  private let time = VirtualTime()
  private let store = ScriptedStore()
  private let stall = "the disk has not finished a write for 10 s; nothing is stored here until it does"

  private func link() -> StoreLink { StoreLink(store, log: NodeLog(captured.logger)) }

  /// Adds a change that any store carries out.
  private func addChange(_ number: UInt64, to link: inout StoreLink) {
    link.add(.removeExpired(at: time.now.wall, limit: 1), CommitID(rawValue: number))
  }

  /// Hands a change over, and lets seconds pass.
  private func submit(_ number: UInt64, to link: inout StoreLink, thenWait seconds: Int64 = 0) {
    addChange(number, to: &link)
    link.submit(time.instant)
    time.advance(seconds: seconds)
  }

  private func check(_ link: inout StoreLink) { link.check(time.instant, store.usage) }

  @Test("the changes of an iteration are handed over together, and each result is returned once")
  func batches() {
    var link = link()
    #expect(!link.hasChanges)
    link.submit(time.instant)
    for number in 1...3 as ClosedRange<UInt64> { addChange(number, to: &link) }
    #expect(link.hasChanges)
    #expect(store.batches == [])
    link.submit(time.instant)
    #expect(!link.hasChanges)
    #expect(store.batches == [3])
    #expect(link.takeResults(time.instant).map(\.id.rawValue) == [1, 2, 3])
    #expect(link.takeResults(time.instant).isEmpty)
    addChange(4, to: &link)
    link.close()
    #expect(store.batches == [3, 1])
    #expect(store.isClosed)
  }

  @Test("a store that finishes no change for more than 10 s is reported once")
  func stall10Seconds() {
    var link = link()
    store.resultLimit = 0
    submit(1, to: &link, thenWait: 10)
    check(&link)
    #expect(captured.texts == [])
    time.advance(seconds: 1)
    check(&link)
    #expect(captured.texts == [stall])
    // Neither time nor further changes make it worth saying again.
    submit(2, to: &link, thenWait: 60)
    check(&link)
    #expect(captured.texts == [stall])
  }

  @Test("a store that has recovered from a stall is reported at the next one")
  func recovery() {
    var link = link()
    store.resultLimit = 0
    submit(1, to: &link, thenWait: 11)
    check(&link)
    store.resultLimit = .max
    #expect(link.takeResults(time.instant).count == 1)
    // An idle store is not stalled.
    time.advance(seconds: 100)
    check(&link)
    #expect(captured.texts == [stall])
    store.resultLimit = 0
    submit(2, to: &link, thenWait: 11)
    check(&link)
    #expect(captured.texts == [stall, stall])
  }

  @Test("a store that is slow and finishes some changes is not stalled")
  func slowStore() {
    var link = link()
    for number in 1...6 as ClosedRange<UInt64> {
      store.resultLimit = 0
      submit(number, to: &link, thenWait: 8)
      check(&link)
      store.resultLimit = .max
      #expect(link.takeResults(time.instant).count == 1)
    }
    // An idle store is not stalled.
    time.advance(seconds: 100)
    check(&link)
    #expect(captured.texts == [])
  }

  @Test("a store that works through a long queue is not stalled")
  func longQueue() {
    var link = link()
    store.resultLimit = 0
    for number in 1...6 as ClosedRange<UInt64> { submit(number, to: &link) }
    store.resultLimit = 1
    for _ in 1...6 {
      time.advance(seconds: 8)
      check(&link)
      #expect(link.takeResults(time.instant).count == 1)
    }
    #expect(captured.texts == [])
  }

  @Test("a full store is reported once, and once more when it has refused nothing for a minute")
  func fullStore() {
    var link = link()
    store.error = .full(limit: 100)
    let full =
      "records are refused: the store is full: its limit is 100 bytes; stored records stay, and other nodes "
      + "take the new ones"
    let room = "the record store has room again"
    for number in 1...3 as ClosedRange<UInt64> {
      submit(number, to: &link, thenWait: 59)
      _ = link.takeResults(time.instant)
      check(&link)
    }
    #expect(captured.texts == [full])
    time.advance(seconds: 61)
    store.reportedBytes = store.usage.limit
    check(&link)
    #expect(captured.texts == [full])
    store.reportedBytes = 0
    check(&link)
    check(&link)
    #expect(captured.texts == [full, room])
    submit(4, to: &link)
    _ = link.takeResults(time.instant)
    #expect(captured.texts == [full, room, full])
  }

  @Test("changes that fail are reported once a minute, and outdated ones never")
  func failedChanges() {
    var link = link()
    for error in [.superseded(seq: 7), .failed("EIO"), .failed("EIO")] as [StoreError] {
      store.error = error
      submit(1, to: &link)
      _ = link.takeResults(time.instant)
    }
    let failed = "a change of the record store failed: the store failed: EIO; check its disk"
    #expect(captured.texts == [failed])
    submit(1, to: &link, thenWait: 61)
    _ = link.takeResults(time.instant)
    #expect(captured.texts == [failed, failed])
  }

  @Test("damaged records are reported once")
  func damage() {
    var link = link()
    check(&link)
    #expect(captured.texts == [])
    for count in [1, 1, 5] {
      store.damagedRecords = count
      check(&link)
    }
    #expect(captured.texts.count == 1)
    #expect(captured.lines.first?.metadata == ["message_id": "\(JournalEvent.recordDamaged.rawValue)"])
  }
}
