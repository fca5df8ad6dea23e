import Kademlia
import Logging
import NodeTime
import SystemPackage
import Testing

@testable import NodeRuntime

@Suite("The log of a node")
struct NodeLogTests {
  private let captured = CapturedLog()
  private let time = VirtualTime()
  private let source = Endpoint(.v4(0xC000_0207), port: 6881)

  @Test("a message is logged once in a period, and then with the number of those suppressed")
  func throttle() {
    var throttle = LogThrottle(period: .seconds(60))
    #expect(throttle.tryLog(time.instant) == 0)
    for _ in 0..<3 {
      time.advance(seconds: 20)
      #expect(throttle.tryLog(time.instant) == nil)
    }
    time.advance(seconds: 1)
    #expect(throttle.tryLog(time.instant) == 3)
    time.advance(seconds: 60)
    #expect(throttle.tryLog(time.instant) == nil)
    time.advance(seconds: 1)
    #expect(throttle.tryLog(time.instant) == 1)
    time.advance(seconds: 61)
    #expect(throttle.tryLog(time.instant) == 0)
  }

  @Test("sources that exceed their rate limit are logged one a minute, with the number of the others")
  func cutOffs() throws {
    let log = NodeLog(captured.logger)
    for _ in 0..<4 { log.logCutOff(time.instant, of: source) }
    time.advance(seconds: 60)
    log.logCutOff(time.instant, of: source)
    #expect(captured.texts == ["rate limit exceeded: ignoring this source until it slows down"])
    time.advance(seconds: 1)
    log.logCutOff(time.instant, of: source)
    let last = try #require(captured.lines.last)
    #expect(
      last.text
        == "rate limit exceeded: ignoring this source until it slows down (4 more since the last message)")
    #expect(last.level == .warning)
    #expect(
      last.metadata == ["message_id": "\(JournalEvent.sourceCutOff.rawValue)", "peer": "192.0.2.7:6881"])
    // The suppressed ones are counted once.
    time.advance(seconds: 61)
    log.logCutOff(time.instant, of: source)
    #expect(captured.texts.last == captured.texts.first)
  }

  @Test("an overload is logged once a minute, whatever else is suppressed")
  func overloads() {
    let log = NodeLog(captured.logger)
    log.logCutOff(time.instant, of: source)
    for _ in 0..<61 {
      log.logOverload(time.instant)
      time.advance(seconds: 1)
    }
    #expect(captured.texts.count == 2)
    log.logOverload(time.instant)
    #expect(captured.texts.count == 3)
    #expect(captured.lines.last?.metadata == ["message_id": "\(JournalEvent.overloaded.rawValue)"])
  }

  @Test("only the first of several attempts to reach a bootstrap address is a warning")
  func bootstrapUnanswered() {
    let log = NodeLog(captured.logger)
    for attempt in 1...3 { log.log(.bootstrapUnanswered(attempt: attempt, retryAfter: .seconds(2))) }
    #expect(captured.lines.map(\.level) == [.warning, .debug, .debug])
    #expect(captured.lines.allSatisfy { $0.metadata["in"] == "2 s" })
  }
}
