import Logging
import Systemd
import Testing

@Suite("Messages for the journal") struct JournalLogHandlerTests {
  /// The fields of what a logger would send, by name.
  private func fields(
    _ level: Logger.Level = .info, _ message: Logger.Message = "hello", own: Logger.Metadata = [:],
    _ metadata: Logger.Metadata? = nil
  ) -> [String: String] {
    var handler = JournalLogHandler(identifier: "dhtd", threshold: LogThreshold(.trace)) { event in
      "text of \(event.message)"
    }
    handler.metadata = own
    let event = LogEvent(
      level: level, message: message, metadata: metadata, source: nil, file: "Module/File.swift",
      function: "f()", line: 7)
    var fields: [String: String] = [:]
    for field in handler.entry(event).fields {
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      fields[String(parts[0])] = String(parts[1])
    }
    return fields
  }

  @Test("a message carries its text, its severity, its program and its place in the code")
  func basics() {
    #expect(
      fields() == [
        "MESSAGE": "text of hello", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "dhtd",
        "CODE_FILE": "Module/File.swift", "CODE_LINE": "7", "CODE_FUNC": "f()",
      ])
  }

  @Test(
    "severities are those of syslog",
    arguments: zip(Logger.Level.allCases, ["7", "7", "6", "5", "4", "3", "2"]))
  func severities(level: Logger.Level, priority: String) {
    #expect(fields(level)["PRIORITY"] == priority)
  }

  @Test("metadata of the message and of the logger becomes fields, and the message's overrides")
  func metadata() {
    let fields = fields(
      own: ["node_id": "aa", "peer": "old"],
      ["peer": "127.0.0.1:8002", "target": "ff", "message_id": "00112233445566778899aabbccddeeff"])
    #expect(fields["DHT_NODE_ID"] == "aa")
    #expect(fields["DHT_PEER"] == "127.0.0.1:8002")
    #expect(fields["DHT_TARGET"] == "ff")
    #expect(fields["MESSAGE_ID"] == "00112233445566778899aabbccddeeff")
    #expect(fields["DHT_MESSAGE_ID"] == nil)
  }

  @Test("a value keeps its line feeds and equals signs; the journal can store them")
  func values() {
    #expect(fields(own: [:], ["reason": "a=b\nc"])["DHT_REASON"] == "a=b\nc")
  }

  @Test("metadata with an invalid field name is dropped, and the rest is sent")
  func badNames() {
    let fields = fields(own: [:], ["a b": "1", "ü": "2", String(repeating: "x", count: 61): "3", "ok": "4"])
    #expect(fields["DHT_OK"] == "4")
    #expect(fields.count == 7)
  }

  @Test("the level of all loggers follows the threshold, unless one has a level of its own")
  func threshold() {
    let threshold = LogThreshold(.info)
    let shared = JournalLogHandler(identifier: "dhtd", threshold: threshold) { "\($0.message)" }
    var own = shared
    own.logLevel = .error
    threshold.level = .trace
    #expect(shared.logLevel == .trace)
    #expect(own.logLevel == .error)
  }

  @Test("every level can be the threshold", arguments: Logger.Level.allCases)
  func levels(level: Logger.Level) {
    #expect(LogThreshold(level).level == level)
  }
}
