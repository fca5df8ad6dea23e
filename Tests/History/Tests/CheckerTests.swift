import HistoryChecker
import SeededRandom
import Testing

/// Histories made by hand: those that break each promise, and those that only look as if they did.
@Suite("The history checker") struct CheckerTests {
  /// A history of five nodes, each of which should hold every key. Its operations begin long after the nodes have met.
  private struct Script {
    var history: History

    init(nodes: Int = 5, order: [Int]? = nil, replicas: Int = 8) {
      history = History(nodes: nodes, replicas: replicas, order: order.map { ["k": $0] } ?? [:])
    }

    /// Adds an operation that takes an eighth of a second.
    @discardableResult
    mutating func add(
      _ kind: ClientOperation.Kind, at second: Double, node: Int = 0, _ result: ClientOperation.Result,
      lasting: Double = 0.125, phase: ClientOperation.Phase = .faults, ttl: Duration? = nil,
      held: [Int64?]? = nil
    ) -> Int {
      let id = history.operations.count
      history.add(
        ClientOperation(
          id: id, process: id, node: node, key: "k", kind: kind, invoked: .seconds(second),
          completed: .seconds(second + lasting), result: result, phase: phase, timeToLive: ttl, held: held))
      return id
    }

    /// Adds a put that is confirmed.
    mutating func put(
      _ value: String, seq: Int64, at second: Double, until end: Double? = nil, held: [Int64?]? = nil
    ) {
      add(
        .put(value: value), at: second,
        .confirmed(ClientOperation.Version(seq: seq, expiry: end.map { .seconds($0) })), held: held)
    }

    mutating func fault(_ change: History.Fault.Change, at second: Double) {
      history.add(History.Fault(at: .seconds(second), change))
    }

    var promises: [Violation.Promise] { Checker.violations(in: history).map(\.promise) }
  }

  private func found(
    _ value: String, _ seq: Int64, isUnconfirmed: Bool = false
  ) -> ClientOperation.Result { .found(seq: seq, value: value, isUnconfirmed: isUnconfirmed) }

  private func confirmed(_ seq: Int64) -> ClientOperation.Result {
    .confirmed(ClientOperation.Version(seq: seq))
  }

  // MARK: - After the heal

  @Test("a version below a confirmed one, or none, is a lost write", arguments: [true, false])
  func lostWrite(isOld: Bool) {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.put("b", seq: 2, at: 1001)
    script.add(.get, at: 2000, isOld ? found("a", 1) : .notFound, phase: .healed)
    #expect(script.promises == [.lostWrite])
  }

  @Test("a weak write and one that failed may be lost or last")
  func possibleWrites() {
    for result in [ClientOperation.Result.weak(.init(seq: 2)), .unknown(.init(seq: 2)), .unknown(nil)] {
      for answer in [found("a", 1), found("b", 2)] {
        var script = Script()
        script.put("a", seq: 1, at: 1000)
        script.add(.put(value: "b"), at: 1001, result)
        script.add(.get, at: 2000, answer, phase: .healed)
        #expect(script.promises == [])
      }
    }
  }

  @Test("a key may be gone after a deletion that may have happened, and not after one that was refused")
  func possibleDeletion() {
    for (result, promises) in [
      (ClientOperation.Result.unknown(nil), [Violation.Promise]()), (.weak(.init(seq: 2)), []),
      (.refused, [.lostWrite]), (.unknown(.init(seq: 0)), [.lostWrite]),
    ] {
      var script = Script()
      script.put("a", seq: 1, at: 1000)
      script.add(.delete, at: 1001, result)
      script.add(.get, at: 2000, .notFound, phase: .healed)
      #expect(script.promises == promises, "\(result)")
    }
  }

  @Test("a deleted key came back")
  func deletedReturned() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.delete, at: 1001, confirmed(2))
    script.add(.get, at: 1500, found("a", 1))
    script.add(.get, at: 2000, found("a", 1), phase: .healed)
    #expect(script.promises == [.deletedReturned, .deletedReturned])
  }

  @Test("of two writes with the same seq either may win")
  func sameSeq() {
    var script = Script()
    script.put("a", seq: 5, at: 1000)
    script.add(.delete, at: 1000.05, confirmed(5))
    script.add(.get, at: 2000, .notFound, phase: .healed)
    script.add(.get, at: 2001, found("a", 5), phase: .healed)
    #expect(script.promises == [])
  }

  @Test("after the heal every request is answered in full")
  func recovery() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.get, at: 2000, .unreachable, phase: .healed)
    script.add(.get, at: 2001, found("a", 1, isUnconfirmed: true), phase: .healed)
    script.add(.put(value: "b"), at: 2002, .unknown(.init(seq: 2)), phase: .healed)
    script.add(.put(value: "c"), at: 2003, .weak(.init(seq: 3)), phase: .healed)
    #expect(script.promises == Array(repeating: .notRecovered, count: 4))
  }

  @Test("a put may fail while a version ahead of the clocks is in its way")
  func versionAhead() {
    var script = Script()
    let held: [Int64?] = [3_000_000_000, nil, nil, nil, nil]
    script.add(.put(value: "b"), at: 2000, .unknown(.init(seq: 2)), phase: .healed, held: held)
    #expect(script.promises == [])
  }

  // MARK: - Not found

  @Test("'not found' of a key that reachable nodes hold, also while others are paused")
  func falseNotFound() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.get, at: 1100, .notFound, held: [nil, 1, 1, 1, nil])
    script.fault(.paused(1), at: 1200)
    script.fault(.paused(2), at: 1200)
    script.add(.get, at: 1201, .notFound, held: [nil, 1, 1, 1, nil])
    #expect(script.promises == [.falseNotFound, .falseNotFound])
  }

  @Test(
    "two nodes, of which one is paused: the other cannot say 'not found', and must not store conditionally")
  func twoNodes() {
    var script = Script(nodes: 2)
    script.put("a", seq: 1, at: 1000)
    script.fault(.paused(1), at: 1100)
    script.add(.get, at: 1100.1, .notFound, held: [nil, 1])
    script.add(.compareAndSet(value: "b", expected: 0), at: 1101, confirmed(2), held: [nil, 1])
    script.add(.get, at: 1102, .unreachable, held: [nil, 1])
    #expect(script.promises == [.untoldUnconfirmed, .untoldWeak])
  }

  @Test("all eight holders are paused, and the five other nodes do not know of the key")
  func allHolders() {
    var script = Script(nodes: 13, order: Array(0..<13))
    script.put("a", seq: 1, at: 1000)
    for node in 0..<8 { script.fault(.paused(node), at: 1100) }
    let held: [Int64?] = Array(repeating: 1, count: 8) + Array(repeating: nil, count: 5)
    for result in [ClientOperation.Result.notFound, .unreachable] {
      var script = script
      script.add(.get, at: 1101, node: 9, result, held: held)
      #expect(
        script.promises == (result == .notFound ? [.falseNotFound, .untoldUnconfirmed] : []), "\(result)")
    }
  }

  @Test("a key that expired, or was overwritten by a value that did, may be gone")
  func expired() {
    var script = Script()
    script.put("a", seq: 1, at: 1000, until: 1100)
    script.add(.get, at: 1101, .notFound)
    script.put("b", seq: 2, at: 1102)
    script.add(.put(value: "c"), at: 1103, .unknown(nil), ttl: .seconds(10))
    script.add(.get, at: 1200, .notFound)
    #expect(script.promises == [])
  }

  @Test("a holder whose clock is ahead drops a value early")
  func holderAhead() {
    var script = Script()
    script.fault(.clock(2, .seconds(3600)), at: 1000)
    script.put("a", seq: 1, at: 1000, until: 2000)
    script.add(.get, at: 1100, .notFound)
    #expect(script.promises == [])
  }

  @Test("where paused nodes have been away for ten minutes and most live, the others speak for the network")
  func forgotten() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.fault(.paused(3), at: 1100)
    script.fault(.paused(4), at: 1100)
    script.add(.get, at: 1800, .notFound, held: [nil, nil, nil, 1, 1])
    #expect(script.promises == [])
  }

  @Test("where most nodes have been away for ten minutes, the others are cut off", arguments: [false, true])
  func cutOff(isRestarted: Bool) {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.fault(.cut([0, 0, 1, 1, 1]), at: 1100)
    if isRestarted {
      script.fault(.killed(0), at: 1700)
      script.fault(.started(0), at: 1710)
    }
    script.add(.get, at: 1800, .notFound, held: [nil, nil, 1, 1, 1])
    script.add(.put(value: "b"), at: 1801, confirmed(2))
    script.add(.put(value: "c"), at: 1802, .weak(.init(seq: 3)))
    script.add(.get, at: 1803, .unreachable)
    #expect(script.promises == [.untoldUnconfirmed, .untoldWeak])
  }

  // MARK: - Old versions

  @Test("an old version read as the newest while most holders of the newest answer")
  func staleRead() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.put("b", seq: 2, at: 1001)
    script.add(.get, at: 1100, found("a", 1), held: [1, 1, 2, 2, 2])
    #expect(script.promises == [.staleRead])
  }

  @Test("an old version that is called unconfirmed is no lie")
  func unconfirmedStaleRead() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.put("b", seq: 2, at: 1001)
    script.add(.get, at: 1100, found("a", 1, isUnconfirmed: true), held: [1, 1, 2, 2, 2])
    #expect(script.promises == [])
  }

  @Test("a write that runs beside a read may be met or not")
  func concurrent() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.put(value: "b"), at: 1100, confirmed(2), lasting: 5)
    script.add(.get, at: 1101, found("a", 1))
    script.add(.get, at: 1102, found("b", 2))
    script.add(.get, at: 1103, found("a", 1))
    #expect(script.promises == [])
  }

  @Test("a version ahead of the reader's clock is believed only if most nodes report it")
  func aheadOfClock() {
    var script = Script()
    let late: Int64 = 5_000_000_000
    script.put("a", seq: 1, at: 1000)
    script.put("b", seq: late, at: 1001)
    script.add(.get, at: 1100, found("a", 1), held: [1, 1, late, late, late])
    #expect(script.promises == [])
    script.add(.get, at: 1101, found("a", 1), held: Array(repeating: late, count: 5))
    #expect(script.promises == [.staleRead])
  }

  @Test("a value that nobody wrote, or in another version than it was written in")
  func invented() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.get, at: 1100, found("x", 7))
    script.add(.get, at: 1101, found("a", 2))
    script.add(.get, at: 1102, found("b", 3))
    script.put("b", seq: 3, at: 1103)
    #expect(script.promises == Array(repeating: .inventedValue, count: 3))
  }

  @Test("a value read after its end, unless a clock is off")
  func expiredRead() {
    var script = Script()
    script.put("a", seq: 1, at: 1000, until: 1100)
    script.add(.get, at: 1101, found("a", 1))
    #expect(script.promises == [])
    script.add(.get, at: 1103, found("a", 1))
    #expect(script.promises == [.expiredRead])
    script.fault(.clock(1, .seconds(1)), at: 1200)
    script.add(.get, at: 1201, found("a", 1))
    #expect(script.promises == [.expiredRead])
  }

  @Test("a value that ends before its time to live is over")
  func shortenedLife() {
    for (end, promises) in [(1059.2, [Violation.Promise.shortenedLife]), (1061, [])] {
      var script = Script()
      script.add(
        .put(value: "a"), at: 1000.5, .confirmed(.init(seq: 1, expiry: .seconds(end))), ttl: .seconds(60))
      #expect(script.promises == promises)
    }
  }

  // MARK: - Conditional puts

  @Test("two conditional puts on one version, one after the other, and at the same time")
  func conditionalPuts() {
    for (second, promises) in [(1002.0, [Violation.Promise.twoConditionalPuts]), (1001.05, [])] {
      var script = Script()
      script.put("a", seq: 1, at: 1000)
      script.add(.compareAndSet(value: "b", expected: 1), at: 1001, confirmed(2))
      script.add(.compareAndSet(value: "c", expected: 1), at: second, confirmed(3))
      #expect(script.promises == promises)
    }
  }

  @Test("two conditional puts on no value, with and without a deletion between them")
  func conditionalPutsOnNothing() {
    for isDeleted in [false, true] {
      var script = Script()
      script.add(.compareAndSet(value: "b", expected: 0), at: 1001, confirmed(2))
      if isDeleted { script.add(.delete, at: 1002, confirmed(3)) }
      script.add(.compareAndSet(value: "c", expected: 0), at: 1003, confirmed(4))
      #expect(script.promises == (isDeleted ? [] : [.twoConditionalPuts]))
    }
  }

  @Test("of two conditional puts only one need be told that it succeeded")
  func unknownConditionalPut() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.add(.compareAndSet(value: "b", expected: 1), at: 1001, .unknown(nil))
    script.add(.compareAndSet(value: "c", expected: 1), at: 1002, confirmed(3))
    script.add(.compareAndSet(value: "d", expected: 1), at: 1003, .refused)
    #expect(script.promises == [])
  }

  @Test("a conditional put on an old version")
  func outdatedCondition() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    script.put("b", seq: 2, at: 1001)
    script.add(.compareAndSet(value: "c", expected: 1), at: 1002, confirmed(3))
    #expect(script.promises == [.outdatedCondition])
  }

  @Test("a conditional put is never weak")
  func weakConditionalPut() {
    var script = Script()
    script.add(.compareAndSet(value: "c", expected: 0), at: 1002, .weak(.init(seq: 3)))
    #expect(script.promises == [.weakConditionalPut])
  }

  // MARK: - Weak and unconfirmed

  @Test("with three of five nodes away, writes are weak and answers unconfirmed or unreachable")
  func fewNodes() {
    var script = Script()
    script.put("a", seq: 1, at: 1000)
    for node in 2...4 { script.fault(node == 2 ? .killed(2) : .paused(node), at: 1100) }
    script.add(.put(value: "b"), at: 1101, .weak(.init(seq: 2)))
    script.add(.get, at: 1102, found("b", 2, isUnconfirmed: true))
    script.add(.get, at: 1103, .unreachable)
    #expect(script.promises == [])
    script.add(.put(value: "c"), at: 1104, confirmed(3))
    script.add(.get, at: 1105, found("c", 3))
    #expect(script.promises == [.untoldWeak, .untoldUnconfirmed])
  }

  @Test("half of the nodes confirm nothing, and are enough for a read")
  func half() {
    var script = Script(nodes: 4)
    script.put("a", seq: 1, at: 1000)
    script.fault(.paused(2), at: 1100)
    script.fault(.paused(3), at: 1100)
    script.add(.get, at: 1101, found("a", 1))
    #expect(script.promises == [])
    script.add(.put(value: "b"), at: 1102, confirmed(2))
    #expect(script.promises == [.untoldWeak])
  }

  @Test("a node that was started while others were away need not know them")
  func strangers() {
    var script = Script()
    for node in 2...4 { script.fault(.killed(node), at: 1000) }
    script.fault(.killed(0), at: 1000)
    script.fault(.started(0), at: 1010)
    script.add(.put(value: "c"), at: 1100, confirmed(3))
    #expect(script.promises == [])
  }

  // MARK: - The text

  @Test("a violation is told with the operations and the faults that matter, in the order of time")
  func text() throws {
    var script = Script()
    script.put("old", seq: 1, at: 100)
    script.fault(.killed(4), at: 200)
    script.put("a", seq: 2, at: 2000)
    script.fault(.paused(1), at: 2050)
    script.add(.get, at: 2100, .notFound, phase: .healed)
    let violation = try #require(Checker.violations(in: script.history).first)
    #expect(
      violation.description == """
        a confirmed write is lost (k): all nodes are back, and seq 2 was confirmed before: the answer is not found
          [2000.000s to 2000.125s] #1 client 1 at node 0: put k=a -> confirmed, seq 2
          [2050.000s] node 1 is paused
          [2100.000s to 2100.125s] #2 client 2 at node 0: get k -> not found
        """)
  }
}

@Suite("The plans of a history") struct PlanTests {
  @Test(
    "a plan of faults undoes each of them, keeps its order, and is the same for the same seed",
    arguments: 1...50)
  func faults(seed: UInt64) {
    func plan() -> [History.Fault] {
      var random = SplitMix64(seed: seed)
      return FaultPlan(
        nodes: 7, from: .seconds(10), to: .seconds(3000), FaultPlan.Bounds(), using: &random
      ).faults
    }
    let faults = plan()
    #expect(plan() == faults)
    #expect(faults.allSatisfy { $0.time >= .seconds(10) && $0.time <= .seconds(3000) })
    #expect(zip(faults, faults.dropFirst()).allSatisfy { $0.time <= $1.time })
    var away: Set<Int> = []
    for fault in faults {
      switch fault.change {
      case .killed(let node), .paused(let node): #expect(away.insert(node).inserted)
      case .started(let node), .resumed(let node): #expect(away.remove(node) != nil)
      case .cut(let sides): #expect(Set(sides).count == 2)
      case .mended, .clock, .full, .emptied: break
      }
      #expect(away.count < 7)
    }
    #expect(away.isEmpty)
  }
}
