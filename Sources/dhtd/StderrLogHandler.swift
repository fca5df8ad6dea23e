import Glibc
import Logging

/// Writes messages to stderr as people read them:
///
///     2026-11-22 19:11:26.042 info  joined the network  contacts=5
struct StderrLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let label: String

  init(label: String, level: Logger.Level) {
    self.label = label
    self.logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = "\(Self.timestamp) \(Self.word(for: event.level)) \(event.message)"
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    if !all.isEmpty { line += " " }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
    // One write a line, so that the lines of several threads or processes never mix.
    line += "\n"
    line.withUTF8 { bytes in
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  private static func word(for level: Logger.Level) -> String {
    let word = level.rawValue
    return word.count < 5 ? word + String(repeating: " ", count: 5 - word.count) : word
  }

  private static var timestamp: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    localtime_r(&time.tv_sec, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &parts)
    let milliseconds = String(time.tv_nsec / 1_000_000)
    let padding = String(repeating: "0", count: max(0, 3 - milliseconds.count))
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
      + ".\(padding)\(milliseconds)"
  }
}
