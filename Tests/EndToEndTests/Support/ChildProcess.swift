import Foundation
import Glibc

/// A process with its three streams on pipes. Whoever makes one ends it with `end`.
final class ChildProcess {
  /// The end of a process.
  enum Exit: Hashable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  let id: pid_t
  private(set) var output: [UInt8] = []
  private(set) var errors: [UInt8] = []
  private(set) var exit: Exit?
  private var input: [UInt8]
  /// True if more input may come.
  private var isFed: Bool
  private var inputPipe: Int32
  private var outputPipe: Int32
  private var errorPipe: Int32

  /// Starts a process.
  /// - Parameters:
  ///   - command: the path of the program, and its arguments.
  ///   - group: the process group that it belongs to; nil: that of the tests.
  ///   - input: what it reads; after that its standard input ends. nil: it is given with `feed`.
  init(
    _ command: [String], environment: [String: String], group: pid_t?, input: [UInt8]? = []
  ) throws {
    let (id, pipes) = try Spawn.start(
      command, environment: environment, group: group.map { .of($0) } ?? .inherited)
    self.id = id
    self.input = input ?? []
    isFed = input == nil
    (inputPipe, outputPipe, errorPipe) = (pipes[0], pipes[1], pipes[2])
    // A buffer for the daemon's log while it is not read.
    _ = fcntl(errorPipe, Self.setPipeSize, Int32(1 << 20))
    if input?.isEmpty == true { Self.close(&inputPipe) }
  }

  deinit { end() }

  /// `F_SETPIPE_SZ`, which is not in the C library's portable part.
  private static let setPipeSize: Int32 = 1031

  private static func close(_ descriptor: inout Int32) {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  var errorLines: [String] {
    String(decoding: errors, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Feeds the process and reads what it writes until the condition holds or its output ends.
  func pump(until deadline: Deadline, _ isDone: () -> Bool) throws {
    while !isDone(), outputPipe >= 0 || errorPipe >= 0 {
      guard !deadline.isOver else {
        throw TimedOut(what: "process \(id)", details: String(decoding: errors, as: UTF8.self))
      }
      // A closed one is -1, which `poll` passes over.
      let ready = waitForAny(
        [
          pollfd(fd: input.isEmpty ? -1 : inputPipe, events: Int16(POLLOUT), revents: 0),
          pollfd(fd: outputPipe, events: Int16(POLLIN), revents: 0),
          pollfd(fd: errorPipe, events: Int16(POLLIN), revents: 0),
        ], until: deadline)
      if ready[0] != 0 { feed() }
      if ready[1] != 0 { Self.read(&outputPipe, into: &output) }
      if ready[2] != 0 { Self.read(&errorPipe, into: &errors) }
    }
  }

  /// Gives it more to read, and waits until the condition holds.
  func feed(_ text: String, _ isDone: () -> Bool) throws {
    input += Array(text.utf8)
    feed()
    try pump(until: Deadline(within: 20)) { input.isEmpty && isDone() }
  }

  /// Tells it that no more input comes.
  func endInput() {
    isFed = false
    feed()
  }

  private func feed() {
    let count = write(inputPipe, input, input.count)
    if count > 0 { input.removeFirst(count) }
    if input.isEmpty && !isFed || count < 0 && errno != EAGAIN { Self.close(&inputPipe) }
  }

  private static func read(_ descriptor: inout Int32, into bytes: inout [UInt8]) {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = Glibc.read(descriptor, &piece, piece.count)
    if count > 0 {
      bytes += piece.prefix(count)
    } else if count == 0 || errno != EAGAIN {
      close(&descriptor)
    }
  }

  /// Waits for the process to end by itself, and reaps it.
  ///
  /// Its streams end when it does, so that the wait blocks in `poll`.
  func waitForExit(within seconds: Double) throws -> Exit {
    if let exit { return exit }
    let deadline = Deadline(within: seconds)
    try pump(until: deadline) { false }
    try eventually("the exit of process \(id)", within: seconds) { reap(WNOHANG) }
    return exit ?? .killed(signal: 0)
  }

  func send(signal: Int32) {
    // The ID of a reaped process may belong to another process.
    if exit == nil { kill(id, signal) }
  }

  /// Halts the process (SIGSTOP), and returns once none of its threads runs.
  ///
  /// A signal that was sent has not been delivered: the process may answer for some time after `send`.
  func halt() {
    send(signal: SIGSTOP)
    guard exit == nil else { return }
    // Also returns when the process has ended, and leaves its status for `reap`.
    var state = siginfo_t()
    while waitid(P_PID, id_t(id), &state, WSTOPPED | WEXITED | WNOWAIT) < 0, errno == EINTR {}
  }

  /// Lets a halted process go on (SIGCONT).
  func resume() {
    send(signal: SIGCONT)
  }

  /// Ends the process at once, if it still runs, and reaps it.
  func end() {
    send(signal: SIGKILL)
    _ = reap(0)
    Self.close(&inputPipe)
    Self.close(&outputPipe)
    Self.close(&errorPipe)
  }

  private func reap(_ options: Int32) -> Bool {
    guard exit == nil, id > 0 else { return true }
    var status: Int32 = 0
    var result = waitpid(id, &status, options)
    while result < 0, errno == EINTR { result = waitpid(id, &status, options) }
    guard result == id else { return false }
    let signal = status & 0x7F
    exit = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    return true
  }
}
