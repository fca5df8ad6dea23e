import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// The shell on a pipe or a file. Many requests run at once, and the answers are printed in the order of the
/// lines.
struct ShellPipe: ~Copyable {
  /// The most requests that run at once. The daemon allows more, but they would not make the shell faster.
  private static let window = 64

  /// A line that was read and whose output is not printed yet.
  private enum Entry {
    case waiting(RequestID, ControlRequest, line: Int, since: ContinuousClock.Instant)
    case done(String)
    case failed(String)
  }

  private var client: ControlClient
  private let timeout: Duration
  private var output = Output()
  private var input = ClientLineBuffer(limit: ControlLimits.maxLineBytes)
  private var inputEnded = false
  private var lineNumber = 0
  /// A command that waits for an earlier one.
  private var held: ShellCommand?
  private var entries: [Entry] = []
  private var anyFailed = false

  init(_ client: consuming ControlClient, timeout: Duration) {
    self.client = client
    self.timeout = timeout
  }

  /// Carries out every line.
  /// - Throws: a `Failure` at the end if any command failed; each failure is reported before.
  mutating func run() throws(Failure) {
    do throws(Failure) {
      while try step() {}
    } catch {
      try output.flush()
      let unanswered = entries.reduce(0) { count, entry in
        if case .waiting = entry { count + 1 } else { count }
      }
      guard unanswered > 0 else { throw error }
      throw Failure(
        error.status, "\(error.message) (commands without an answer: \(unanswered))",
        reason: error.reason)
    }
    try output.flush()
    if anyFailed {
      throw Failure(.failed, "some commands failed; see the errors above", reason: "commands_failed")
    }
  }

  /// Reads commands, sends, waits and prints once. Returns false when everything is done.
  private mutating func step() throws(Failure) -> Bool {
    try takeCommands()
    try client.send()
    try printAnswers()
    if entries.isEmpty && held == nil {
      // The answers to a whole window may arrive at once. The remaining input is handled next.
      if input.hasLine { return true }
      if inputEnded { return !input.isEmpty }
    }

    // A reader of the output sees all of it before the shell waits.
    try output.flush()
    let deadline = oldestRequest.map { $0 + timeout }
    if let deadline, deadline <= ContinuousClock.now { throw ControlClient.timedOut(timeout) }
    let wantsInput = !inputEnded && held == nil && entries.count < Self.window
    // `poll` ignores a negative descriptor.
    var descriptors = [
      pollfd(fd: client.connection.descriptor, events: client.events, revents: 0),
      pollfd(fd: wantsInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
    ]
    Poll.wait(&descriptors, until: deadline)
    let ready = descriptors.map(\.revents)
    if ready.first != 0, ready.first != Int16(POLLOUT) { try receive() }
    if ready.last != 0 { try readInput() }
    return true
  }

  private var oldestRequest: ContinuousClock.Instant? {
    for case .waiting(_, _, _, let since) in entries { return since }
    return nil
  }

  private mutating func readInput() throws(Failure) {
    guard let piece = Descriptor.read(STDIN_FILENO) else {
      let cause = Errno.current
      throw Failure(.failed, "cannot read standard input: \(cause)", reason: "input")
    }
    if piece.isEmpty { inputEnded = true } else { input.append(piece) }
  }

  private mutating func takeCommands() throws(Failure) {
    while entries.count < Self.window, let command = nextCommand() {
      switch command {
      case .blank: break
      case .help: entries.append(.done(ShellCommand.helpText))
      case .mistake(let message): fail(message)
      case .quit:
        inputEnded = true
        input = ClientLineBuffer(limit: ControlLimits.maxLineBytes)
      case .request(let request):
        guard !mustWait(command) else {
          held = command
          return
        }
        do throws(Failure) {
          let id = try client.enqueue(request)
          entries.append(.waiting(id, request, line: lineNumber, since: .now))
        } catch {
          fail(error.message)
        }
      }
    }
  }

  private mutating func nextCommand() -> ShellCommand? {
    if let command = held.take() { return command }
    let line = input.next() ?? (inputEnded ? input.last() : nil)
    guard let line else { return nil }
    lineNumber += 1
    switch line {
    case .text(let bytes): return ShellCommand(bytes)
    case .tooLong:
      return .mistake("the line is over \(ControlLimits.maxLineBytes) bytes; use a shorter value")
    }
  }

  private func mustWait(_ command: ShellCommand) -> Bool {
    entries.contains { entry in
      if case .waiting(_, let earlier, _, _) = entry { command.mustWait(for: earlier) } else { false }
    }
  }

  private mutating func fail(_ message: String) {
    entries.append(.failed("dhtctl: line \(lineNumber): \(message)"))
  }

  private mutating func receive() throws(Failure) {
    try client.receive()
    while let response = try client.nextResponse() {
      for (index, entry) in entries.enumerated() {
        guard case .waiting(response.id, let request, let line, _) = entry else { continue }
        entries[index] = Self.outcome(of: request, line: line, response.outcome)
        break
      }
    }
  }

  private static func outcome(
    of request: ControlRequest, line: Int, _ outcome: Result<ControlResult, ControlError>
  ) -> Entry {
    switch outcome {
    case .success(let result): .done(Rendering.shell(request, result))
    case .failure(let error):
      if let answer = Rendering.shellNotFound(request, error) {
        .done(answer)
      } else {
        .failed("dhtctl: line \(line): \(Rendering.error(error))")
      }
    }
  }

  /// Prints the entries up to the first without an answer.
  private mutating func printAnswers() throws(Failure) {
    var printed = 0
    for entry in entries {
      switch entry {
      case .waiting:
        entries.removeFirst(printed)
        return
      case .done(let text): try output.write(text)
      case .failed(let message):
        anyFailed = true
        // Both streams may end in one file, which should keep the order of the lines.
        try output.flush()
        Output.printError(message)
      }
      printed += 1
    }
    entries.removeAll()
  }
}
