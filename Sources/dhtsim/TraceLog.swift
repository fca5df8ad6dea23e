import ArgumentParser
import Glibc
import NodeTime
import Platform
import Simulation
import SystemPackage

/// The option that has what the trace of a run counts written to a file.
struct TraceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write a line for each thing that the trace counts, so that two runs can be compared with diff.",
      valueName: "file"))
  var traceLog: String?

  /// Opens the file; nil where none is wanted.
  ///
  /// - Throws: `ValidationError` if it cannot be written.
  func open() throws -> TraceLog? {
    guard let traceLog else { return nil }
    return try TraceLog(traceLog)
  }
}

/// What the trace of a run counts, as a file: virtual time in nanoseconds, host, digest, and a few words.
final class TraceLog {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  init(_ path: String) throws {
    guard let file = fopen(path, "w") else { throw Self.problem(path) }
    self.path = path
    self.file = file
  }

  /// Writes one line.
  func write(_ entry: TraceEntry) {
    let line =
      "\(entry.time.nanoseconds) \(entry.host) \(String(entry.digest, radix: 16)) \(entry.description)\n"
    // A failure stays with the file, and `close` reports it.
    fputs(line, file)
  }

  /// Closes the file; nothing may be written after this.
  ///
  /// - Throws: `ValidationError` if not everything was written.
  func close() throws {
    let hasFailed = ferror(file) != 0
    guard fclose(file) == 0, !hasFailed else { throw Self.problem(path) }
  }

  private static func problem(_ path: String) -> ValidationError {
    ValidationError("cannot write '\(path)': \(Errno.current); name another file")
  }
}
