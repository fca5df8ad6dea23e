import NodeTime
import Testing

@testable import Kademlia

@Suite("The operations of a node alone")
struct OperationPoolTests {
  @Test("an operation finds its slot as long as it runs, and an ID is never used twice")
  func slots() throws {
    var table = SlotTable<Int>()
    let inserted = [table.insert(1, .get, number: 1), table.insert(2, .get, number: 2)]
    let (first, second) = (try #require(inserted[0]), try #require(inserted[1]))
    #expect(table.elements[table.index(of: first)] == 1)
    #expect(table.remove(first) == 1)
    #expect(table.elements[table.index(of: first)] == nil)
    #expect(table.remove(first) == nil)
    let reinserted = table.insert(3, .get, number: 3)
    let third = try #require(reinserted)
    #expect(third.slot == first.slot)
    #expect(third != first)
    #expect(table.elements[table.index(of: first)] == nil)
    table.elements[table.index(of: first)]? += 1
    table.elements[table.index(of: third)]? += 1
    #expect(table.elements[table.index(of: third)] == 4)
    #expect(table.elements[table.index(of: second)] == 2)
    #expect(table.count == 2)
    #expect(table.all.sorted() == [2, 4])
  }

  @Test(
    "an ID keeps its kind and slot, and grows with the number", arguments: [0, 1, OperationID.mostSlots - 1])
  func ids(_ slot: Int) {
    for kind in [OperationID.Kind.get, .put, .find, .replicate, .request] {
      let id = OperationID(kind, number: 7, slot: slot)
      #expect(id.kind == kind)
      #expect(id.slot == slot)
      #expect(id < OperationID(.get, number: 8, slot: 0))
    }
  }

  @Test("an operation that waits begins when another has ended, and takes part in nothing before")
  func waiting() throws {
    var world = PoolWorld(contacts: peers(3, inBucket: 0)) { $0.activeOperations = 1 }
    let first = try world.get()
    let second = try world.get()
    #expect(world.pool.active == 1)
    #expect(world.pool.waiting == 1)
    #expect(world.pool.running == 1)
    #expect(world.sent.allSatisfy { $0.operation == first })
    while world.getOutcome(of: first) == nil, let query = world.take("lookup") { world.answer(query) }
    #expect(world.sent.contains { $0.operation == second })
    #expect(world.pool.waiting == 0)
    world.answerLookup()
    #expect(world.getOutcome(of: second) != nil)
    #expect(world.pool.active == 0)
  }

  @Test("of a client that leaves, gets that wait are dropped, and puts are not")
  func leaving() throws {
    var world = PoolWorld(contacts: peers(3, inBucket: 0)) { $0.activeOperations = 1 }
    let client = ClientID(rawValue: 5)
    _ = try world.get()
    let get = try world.get(for: client)
    let put = try world.put(for: client)
    let other = try world.get(for: ClientID(rawValue: 6))
    #expect(world.dropReads(of: client) == [get])
    #expect(world.pool.waiting == 2)
    world.answerLookup()
    #expect(world.getOutcome(of: get) == nil)
    #expect(world.getOutcome(of: other) != nil || world.pool.waiting > 0 || world.pool.active > 0)
    while !world.commits.isEmpty || !world.sent.isEmpty {
      world.endCommit()
      if let store = world.take("store") { world.confirm(store) }
      world.answerLookup()
    }
    #expect(world.putOutcome(of: put)?.verdict == .stored)
    #expect(world.pool.active == 0)
    #expect(world.pool.running == 0)
  }

  @Test("one operation more than may wait is refused")
  func busy() throws {
    var world = PoolWorld(contacts: peers(3, inBucket: 0)) {
      $0.activeOperations = 1
      $0.waitingOperations = 2
    }
    for _ in 0..<3 { _ = try world.get() }
    do {
      _ = try world.get()
      Issue.record("it was begun")
    } catch let error as OperationRefusal {
      #expect(error == .busy(limit: 2))
    }
    #expect(world.pool.running == 1)
  }

  @Test("a get that finds a version gives it to the holders that lack it, once")
  func repair() throws {
    var world = PoolWorld(contacts: peers(3, inBucket: 0))
    let record = Record.plain("key", "value", seq: 5)
    let id = try world.get()
    var isFirst = true
    while world.getOutcome(of: id) == nil, let query = world.take("lookup") {
      world.answer(query, held: isFirst ? .record(record) : nil)
      isFirst = false
    }
    guard case .found(let found) = world.getOutcome(of: id) else {
      Issue.record("the get found nothing")
      return
    }
    #expect(found == record)
    let repaired = world.others.compactMap { directive -> NodeID? in
      if case .send(.put(record, _, _), _, let peer?, .copy) = directive { peer } else { nil }
    }
    #expect(!repaired.isEmpty)
    #expect(Set(repaired).count == repaired.count)
    #expect(repaired.count < 3)
  }
}
