import ArgumentParser
import Glibc
import NodeTime
import Platform
import Simulation
import SystemPackage

/// The option that writes the trace of a run to a file.
struct TraceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write a line for each event of the trace, so that two runs can be compared with diff.",
      valueName: "file"))
  var traceLog: String?

  /// Opens the file; nil without the option.
  ///
  /// - Throws: `ValidationError` if it cannot be written.
  func open() throws -> TraceLog? {
    guard let traceLog else { return nil }
    return try TraceLog(traceLog)
  }
}

/// The events of a run's trace as a file: virtual time in nanoseconds, host, digest, and a description.
///
/// `@safe`: the file is open as long as `file` is set, and C keeps no pointer to a line.
@safe final class TraceLog {
  private let path: String
  /// nil once it is closed.
  private var file: UnsafeMutablePointer<FILE>?

  init(_ path: String) throws {
    guard let file = unsafe fopen(path, "w") else { throw Self.problem(path) }
    self.path = path
    unsafe self.file = file
  }

  /// Writes a line; nothing after `close`.
  func write(_ entry: TraceEntry) {
    guard let file = unsafe file else { return }
    let line =
      "\(entry.time.nanoseconds) \(entry.host) \(String(entry.digest, radix: 16)) \(entry.description)\n"
    // The file keeps a failure, which `close` reports.
    unsafe fputs(line, file)
  }

  /// Closes the file.
  ///
  /// - Throws: `ValidationError` if the file is incomplete.
  func close() throws {
    guard let file = unsafe file else { return }
    unsafe self.file = nil
    let hasFailed = unsafe ferror(file) != 0
    guard unsafe fclose(file) == 0, !hasFailed else { throw Self.problem(path) }
  }

  private static func problem(_ path: String) -> ValidationError {
    ValidationError("cannot write '\(path)': \(Errno.current); name another file")
  }
}
