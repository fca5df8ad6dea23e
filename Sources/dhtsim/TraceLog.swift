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
final class TraceLog {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  init(_ path: String) throws {
    guard let file = fopen(path, "w") else { throw Self.problem(path) }
    self.path = path
    self.file = file
  }

  /// Writes a line.
  func write(_ entry: TraceEntry) {
    let line =
      "\(entry.time.nanoseconds) \(entry.host) \(String(entry.digest, radix: 16)) \(entry.description)\n"
    // The file keeps a failure, which `close` reports.
    fputs(line, file)
  }

  /// Closes the file. Nothing may be written after this.
  ///
  /// - Throws: `ValidationError` if the file is incomplete.
  func close() throws {
    let hasFailed = ferror(file) != 0
    guard fclose(file) == 0, !hasFailed else { throw Self.problem(path) }
  }

  private static func problem(_ path: String) -> ValidationError {
    ValidationError("cannot write '\(path)': \(Errno.current); name another file")
  }
}
