import Glibc
import Logging
import Systemd

/// Writes messages to stderr, formatted for people:
///
///     2026-11-22 19:11:26.042 info  joined the network  contacts=5
struct StderrLogHandler: LogHandler {
  /// The metadata of all messages of a logger. It is not written, because it would be the same on each line.
  var metadata: Logger.Metadata = [:]
  private var ownLevel: Logger.Level?
  private let threshold: LogThreshold

  init(threshold: LogThreshold) {
    self.threshold = threshold
  }

  var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    // Each line is one write, so that lines of several threads or processes never mix.
    var line = "\(Self.timestamp) \(Self.word(for: event.level)) \(LogText.line(event))\n"
    line.withUTF8 { bytes in
      // The pointer to the buffer is used only during the call.
      _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  private static func word(for level: Logger.Level) -> String {
    let word = level.rawValue
    return word.count < 5 ? word + String(repeating: " ", count: 5 - word.count) : word
  }

  private static var timestamp: String {
    // C writes one value of each type, and at most `text.count` characters.
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    var parts = unsafe tm()
    unsafe localtime_r(&time.tv_sec, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &parts)
    let milliseconds = String(time.tv_nsec / 1_000_000)
    let padding = String(repeating: "0", count: max(0, 3 - milliseconds.count))
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
      + ".\(padding)\(milliseconds)"
  }
}
