import ControlProtocol
import Glibc

/// Runs a benchmark: many requests at once on one connection, operation after operation.
struct BenchRun: ~Copyable {
  private var connection: DaemonConnection
  private let plan: BenchPlan
  private let timeout: Duration
  /// A descriptor that becomes readable when the run is to stop early; negative if there is none.
  private let interruption: Int32
  private var replies = ReplyBuffer()
  private var progress = BenchProgress()
  /// The measurements, including those of an interrupted operation.
  private(set) var tallies: [BenchTally] = []

  init(
    _ connection: consuming DaemonConnection, _ plan: BenchPlan, timeout: Duration, interruption: Int32
  ) {
    self.connection = connection
    self.interruption = interruption
    self.plan = plan
    self.timeout = timeout
  }

  /// Carries out the plan.
  /// - Throws: the reason why the plan was not completed.
  mutating func run() throws(Failure) {
    defer { progress.clear() }
    for operation in plan.operations { try carryOut(operation) }
  }

  private mutating func carryOut(_ operation: BenchOperation) throws(Failure) {
    var phase = BenchPhase(operation, plan)
    var line: [UInt8] = []
    let begin = ContinuousClock.now
    var now = begin
    var lastAnswer = begin
    defer {
      var tally = phase.tally
      tally.elapsed = now - begin
      tallies.append(tally)
    }
    while !phase.isOver {
      line.removeAll(keepingCapacity: true)
      while phase.appendNext(to: &line, now: now) {}
      connection.enqueue(line)
      try connection.send()
      let isReadable = try wait(until: lastAnswer + timeout)
      now = ContinuousClock.now
      if isReadable {
        lastAnswer = now
        let hasRoom = try replies.fill { buffer, start throws(Failure) in
          try connection.receive(into: &buffer, at: start)
        }
        guard hasRoom else { throw DaemonConnection.answerTooLong }
        try replies.takeLines { line throws(Failure) in try phase.take(line, now: now) }
      }
      progress.show(phase.tally, of: plan.count, since: begin, now: now)
    }
  }

  /// Waits for answers, or for room to send, until the deadline or the next update of the progress.
  /// - Returns: whether there is input to read.
  private func wait(until deadline: ContinuousClock.Instant) throws(Failure) -> Bool {
    let events = Int16(connection.hasOutput ? POLLIN | POLLOUT : POLLIN)
    var descriptors = [
      pollfd(fd: connection.descriptor, events: events, revents: 0),
      pollfd(fd: interruption, events: Int16(POLLIN), revents: 0),
    ]
    Poll.wait(&descriptors, until: progress.next.map { min($0, deadline) } ?? deadline)
    if descriptors.last?.revents != 0 {
      throw Failure(
        .failed, "interrupted; the figures cover the operations until then", reason: "interrupted")
    }
    let ready = descriptors.first?.revents ?? 0
    if ready == 0, ContinuousClock.now >= deadline { throw ControlClient.timedOut(timeout) }
    return ready & ~Int16(POLLOUT) != 0
  }
}
