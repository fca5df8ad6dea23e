import ArgumentParser
import ControlProtocol
import Testing

@testable import dhtctl

@Suite("The options of bench")
struct BenchCommandTests {
  private func plan(_ arguments: String...) throws -> BenchPlan {
    try #require(try Dhtctl.parseAsRoot(["bench"] + arguments) as? BenchCommand).plan
  }

  @Test(
    "by default it puts, gets and misses as many keys as operations, under a new prefix")
  func defaults() throws {
    let plan = try plan()
    #expect(plan.operations == [.put, .get, .miss])
    #expect(plan.count == 10_000 && plan.keys == 10_000)
    #expect(plan.inFlight == 64 && plan.size == 100 && plan.ttl == 3_600)
    #expect(plan.keyPrefix.hasPrefix("bench-") && plan.keyPrefix.hasSuffix("-"))
  }

  @Test("each option changes its value")
  func options() throws {
    #expect(
      try plan(
        "--ops", "miss,put,get", "--count", "7", "--in-flight=1", "--size", "0", "--keys", "3",
        "--key-prefix", "p:",
        "--ttl", "2m")
        == BenchPlan(
          operations: [.miss, .put, .get], count: 7, inFlight: 1, size: 0, keys: 3, keyPrefix: "p:", ttl: 120)
    )
    #expect(try plan("--count", "7").keys == 7)
    #expect(try plan("--ops", "get", "--key-prefix", "old").operations == [.get])
  }

  @Test(
    "invalid options are refused with a hint",
    arguments: [
      (["--ops", ""], "put, get, miss"), (["--ops", "put,delete"], "put, get, miss"),
      (["--ops", "put,"], "put, get, miss"),
      (["--ops", "get,put"], "--key-prefix"), (["--ops", "get"], "--key-prefix"),
      (["--count", "0"], "from 1 to"),
      (["--count", "-1"], "from 1 to"), (["--in-flight", "257"], "256"), (["--in-flight", "0"], "256"),
      (["--size", "-1"], "from 0 to"), (["--size", "65537"], "65536"), (["--keys", "0"], "from 1 to"),
      (["--ttl", "31d"], "30d"), (["--count", "many"], "--count"),
    ])
  func refusals(_ arguments: [String], _ advice: String) {
    let error = #expect(throws: (any Error).self) { try Dhtctl.parseAsRoot(["bench"] + arguments) }
    let complaint = error.map { Dhtctl.message(for: $0) } ?? ""
    #expect(complaint.contains(advice), "\(complaint)")
  }
}

/// A plan for the tests below.
private func plan(count: Int = 10, inFlight: Int = 4, size: Int = 20, keys: Int = 10, prefix: String = "k-")
  -> BenchPlan
{
  BenchPlan(
    operations: [.put, .get, .miss], count: count, inFlight: inFlight, size: size, keys: keys,
    keyPrefix: prefix,
    ttl: 60)
}

@Suite("The requests of a benchmark")
struct BenchRequestsTests {
  private func request(_ operation: BenchOperation, _ plan: BenchPlan, number: Int, id: UInt64) throws
    -> ControlRequest
  {
    var line: [UInt8] = []
    BenchRequests(operation, plan).append(number, id: id, to: &line)
    #expect(line.last == UInt8(ascii: "\n"))
    let decoded = ControlCodec.decodeRequest(line.dropLast())
    #expect(decoded.id == .integer(Int64(id)))
    return try decoded.outcome.get()
  }

  private func value(_ number: Int, _ plan: BenchPlan) -> [UInt8] {
    var value: [UInt8] = []
    BenchRequests(.get, plan).appendValue(of: number, to: &value)
    return value
  }

  @Test(
    "they equal the requests of any other command, whatever the prefix",
    arguments: ["k-", "", "a\"b\\c\n", "naïve/", "\u{1}"])
  func requests(prefix: String) throws {
    let plan = plan(keys: 2_000, prefix: prefix)
    #expect(
      try request(.put, plan, number: 1_234, id: 80_000)
        == .put(PutParams(key: Array("\(prefix)1234".utf8), value: value(1_234, plan), ttl: 60)))
    #expect(try request(.get, plan, number: 0, id: 0) == .get(GetParams(key: Array("\(prefix)0".utf8))))
    #expect(
      try request(.miss, plan, number: 1_999, id: 7)
        == .get(GetParams(key: Array("\(prefix)missing-1999".utf8))))
  }

  @Test("after the last key the first follows again, with the same value")
  func keysComeAgain() throws {
    let plan = plan(keys: 3)
    #expect(try request(.put, plan, number: 5, id: 1) == request(.put, plan, number: 2, id: 1))
    #expect(try request(.put, plan, number: 5, id: 1) != request(.put, plan, number: 3, id: 1))
  }

  @Test(
    "a value has the requested length, and contains its key if there is room",
    arguments: [0, 1, 5, 6, 1_000])
  func values(size: Int) {
    let plan = plan(size: size, keys: 1_000_000)
    for number in [0, 9, 10, 999_999] { #expect(value(number, plan).count == size) }
    if size >= 6 { #expect(value(123_456, plan).starts(with: Array("123456".utf8))) }
  }
}

@Suite("The answers in a benchmark")
struct BenchPhaseTests {
  private let begin = ContinuousClock.now

  /// The IDs of the requests that a phase gives at a time, in their order.
  private func send(_ phase: inout BenchPhase, at time: Duration = .zero) throws -> [Int64] {
    var lines: [UInt8] = []
    while phase.appendNext(to: &lines, now: begin + time) {}
    return try lines.split(separator: UInt8(ascii: "\n")).map { line in
      guard case .integer(let id) = ControlCodec.decodeRequest(Array(line)).id else { throw Unexpected() }
      return id
    }
  }

  private struct Unexpected: Error {}

  private func answer(_ phase: inout BenchPhase, _ line: String, at time: Duration = .zero) throws(Failure) {
    let bytes = Array(line.utf8)
    try phase.take(bytes.span, now: begin + time)
  }

  private func put(_ id: Int64) -> String { #"{"id":\#(id),"jsonrpc":"2.0","result":{"stored":8}}"# }

  private func error(_ id: Int64, _ code: Int, _ reason: String) -> String {
    #"{"error":{"code":\#(code),"data":{"reason":"\#(reason)"},"message":"it is so"},"id":\#(id),"jsonrpc":"2.0"}"#
  }

  private func get(_ id: Int64, _ value: String) -> String {
    #"{"id":\#(id),"jsonrpc":"2.0","result":{"expires":1,"seq":2,"target":"ab","value":"\#(value)"}}"#
  }

  private func value(_ number: Int) -> String {
    var bytes: [UInt8] = []
    BenchRequests(.get, plan()).appendValue(of: number, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("the plan limits the running and the total requests, and the IDs differ")
  func window() throws {
    var phase = BenchPhase(.put, plan(count: 6, inFlight: 4))
    let first = try send(&phase)
    #expect(first.count == 4)
    try answer(&phase, put(first[2]))
    try answer(&phase, put(first[0]))
    let second = try send(&phase)
    #expect(second.count == 2)
    #expect(Set(first + second).count == 6)
    for id in [first[1], first[3]] + second.reversed() {
      #expect(!phase.isOver)
      try answer(&phase, put(id))
    }
    #expect(phase.isOver)
    #expect(try send(&phase).isEmpty)
    #expect(phase.tally.done == 6 && phase.tally.failed == 0)
  }

  @Test("a latency lasts from the request to its answer")
  func latency() throws {
    var phase = BenchPhase(.put, plan(count: 2, inFlight: 1))
    try answer(&phase, put(send(&phase, at: .milliseconds(10))[0]), at: .milliseconds(12))
    try answer(&phase, put(send(&phase, at: .milliseconds(20))[0]), at: .milliseconds(24))
    #expect(try abs(#require(phase.tally.latency(50)) - 2) < 0.01)
    #expect(try abs(#require(phase.tally.latency(100)) - 4) < 0.01)
  }

  @Test("a get succeeds with the value of its key in any encoding, and fails with another")
  func values() throws {
    var phase = BenchPhase(.get, plan(count: 4))
    let ids = try send(&phase)
    try answer(&phase, get(ids[0], value(0)))
    // The first character of a value is the digit of its key.
    try answer(&phase, get(ids[1], "\\u0031" + value(1).dropFirst()))
    try answer(&phase, get(ids[2], value(1)))
    try answer(&phase, error(ids[3], 1, "not_found"))
    #expect(phase.tally.done == 2)
    #expect(phase.tally.failures.map(\.reason) == ["wrong_value", "not_found"])
    #expect(phase.tally.failures.map(\.code) == [nil, 1])
  }

  @Test("a miss succeeds without a value, and fails with one or with an error")
  func misses() throws {
    var phase = BenchPhase(.miss, plan(count: 3))
    let ids = try send(&phase)
    try answer(&phase, error(ids[0], 1, "not_found"))
    try answer(&phase, error(ids[1], 5, "unreachable"))
    try answer(&phase, get(ids[2], value(2)))
    #expect(phase.tally.done == 1)
    #expect(phase.tally.failures.map(\.reason) == ["unreachable", "found"])
  }

  @Test("failures are counted by code, and the first of each is kept")
  func failures() throws {
    var phase = BenchPhase(.put, plan(count: 4))
    let ids = try send(&phase)
    for (id, (code, reason)) in zip(
      ids, [(2, "quorum_failed"), (6, "busy"), (2, "quorum_failed"), (6, "other")])
    {
      try answer(&phase, error(id, code, reason))
    }
    #expect(
      phase.tally.failures == [
        BenchTally.Failures(code: 2, reason: "quorum_failed", count: 2, message: "it is so"),
        BenchTally.Failures(code: 6, reason: "busy", count: 2, message: "it is so"),
      ])
    #expect(phase.isOver)
  }

  @Test("a daemon that sends many codes fills at most a page")
  func manyCodes() throws {
    var phase = BenchPhase(.put, plan(count: 100, inFlight: 100))
    for (code, id) in try send(&phase).enumerated() { try answer(&phase, error(id, code, "r\(code)")) }
    #expect(phase.tally.failed == 100)
    #expect(phase.tally.failures.count == 16)
  }

  @Test(
    "an answer without a running request ends the run",
    arguments: [
      "", "{}", "hello", #"{"id":9999999,"result":{}}"#, #"{"id":-1,"result":{}}"#,
      #"{"id":"0","result":{}}"#,
    ])
  func stray(line: String) throws {
    var phase = BenchPhase(.put, plan())
    _ = try send(&phase)
    let failure = #expect(throws: Failure.self) { try answer(&phase, line) }
    #expect(failure?.reason == "protocol")
    #expect(phase.tally.ended == 0)
  }

  @Test("a duplicate answer is an error")
  func twice() throws {
    var phase = BenchPhase(.put, plan())
    let id = try send(&phase)[0]
    try answer(&phase, put(id))
    #expect(throws: Failure.self) { try answer(&phase, put(id)) }
  }

  @Test("an error about the whole connection is passed on")
  func wholeConnection() throws {
    var phase = BenchPhase(.put, plan())
    let line =
      #"{"error":{"code":6,"data":{"reason":"busy"},"message":"too many clients"},"id":null,"jsonrpc":"2.0"}"#
    let failure = #expect(throws: Failure.self) { try answer(&phase, line) }
    #expect(failure?.reason == "busy" && failure?.message == "too many clients")
  }
}

@Suite("The figures of a benchmark")
struct BenchFiguresTests {
  /// 1,000 operations that took 1 to 1,000 ms, within 2 s, and one failure.
  private func tally() -> BenchTally {
    var tally = BenchTally(.put)
    for milliseconds in 1...1_000 { tally.succeed(after: .milliseconds(milliseconds)) }
    tally.fail(ControlError(.busy, "try\nagain"))
    tally.elapsed = .seconds(2)
    return tally
  }

  @Test("percentiles of the latencies are accurate to three digits")
  func latencies() throws {
    let tally = tally()
    for (percent, expected) in [(0, 1), (50, 500), (90, 900), (99, 990), (99.9, 999), (100, 1_000)]
      as [(Double, Double)]
    {
      let latency = try #require(tally.latency(percent))
      #expect(abs(latency - expected) <= expected * 0.001, "\(percent): \(latency)")
    }
    #expect(BenchTally(.get).latency(50) == nil)
    #expect(BenchTally(.get).perSecond == nil)
  }

  @Test("a latency of any length is counted")
  func extremes() {
    var tally = BenchTally(.get)
    tally.succeed(after: .seconds(-1))
    tally.succeed(after: .seconds(1_000_000_000))
    #expect(tally.done == 2)
  }

  @Test("the text is a table, with a line for each kind of failure")
  func table() {
    var misses = BenchTally(.miss)
    misses.succeed(after: .microseconds(271))
    misses.elapsed = .milliseconds(1)
    let plan = plan(inFlight: 1, size: 1, keys: 12_000, prefix: "k\u{1B}-")
    #expect(
      Rendering.bench(plan, [tally(), BenchTally(.get), misses], clientCPU: 0.1) == """
        Values of 1 byte, 1 request in flight, 12,000 keys that begin with 'k\\x1b-'

        OPERATION   DONE  FAILED  PER SECOND      MEAN       P50       P90       P99     P99.9       MAX
        put        1,000       1         500    501 ms    500 ms    900 ms    990 ms    999 ms   1000 ms
        get            0       0           -         -         -         -         -         -         -
        miss           1       0       1,000  0.271 ms  0.271 ms  0.271 ms  0.271 ms  0.271 ms  0.271 ms

        dhtctl used 0.10 s of CPU (5 % of the time)
        put failed once with busy: try\\nagain

        """)
  }

  @Test("the JSON has the same figures")
  func json() {
    let text = JSONText.line(BenchResult(plan(), [tally(), BenchTally(.get)], clientCPU: 0.5))
    #expect(
      text.hasPrefix(
        #"{"client_cpu":0.5,"in_flight":4,"key_prefix":"k-","keys":10,"operations":[{"done":1000,"#))
    #expect(
      text.contains(#""failed":1,"failures":[{"code":6,"count":1,"message":"try\\nagain","reason":"busy"}],"#)
    )
    #expect(text.contains(#""operation":"put","per_second":500,"seconds":2}"#))
    #expect(text.contains(#"{"done":0,"failed":0,"failures":[],"operation":"get","seconds":0}],"size":20}"#))
  }

  @Test("the progress line shows the counts, the rate and the failures")
  func progress() {
    #expect(
      Rendering.benchProgress(tally(), of: 20_000, after: .seconds(2))
        == "put: 1,001 of 20,000, 501 a second, 1 failed")
    #expect(Rendering.benchProgress(BenchTally(.get), of: 5, after: .zero) == "get: 0 of 5, 0 a second")
  }

  @Test(
    "numbers are rounded, and thousands are separated",
    arguments: [
      (0.2714, 3, "0.271"), (0.9996, 3, "1.000"), (21.65, 1, "21.7"), (1_250, 0, "1250"), (0, 2, "0.00"),
      (-1, 1, "0.0"), (.nan, 1, "-"), (.infinity, 0, "-"), (1e300, 0, "-"),
    ] as [(Double, Int, String)])
  func numbers(_ number: Double, _ digits: Int, _ text: String) {
    #expect(DecimalText.fixed(number, digits: digits) == text)
    #expect(DecimalText.grouped(1_234_567) == "1,234,567")
    #expect(DecimalText.grouped(-999) == "-999")
    #expect(DecimalText.grouped(.min) == "-9,223,372,036,854,775,808")
  }
}
