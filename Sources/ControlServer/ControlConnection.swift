import ControlProtocol
import EventLoop
import Glibc
import Kademlia
import Logging
import Platform
import SystemPackage

/// One client: its lines in, its answers out, and its limits.
///
/// Answers go out in the order in which they come to be. A client that sends faster than it is
/// served, or than it reads, is not read from until it catches up; one that stalls in the middle of
/// a line or of its answers loses the connection.
final class ControlConnection: DescriptorWatcher {
  /// How long a client may stall.
  private static let patience: Duration = .seconds(30)
  /// No more lines are taken while so many bytes of answers wait to be read, until they are this few again.
  private static let mostUnread = 256 << 10
  private static let fewUnread = 64 << 10
  /// As many reads empty what a client that is gone can have left behind.
  private static let mostReads = 16
  /// As many lines are taken in one iteration of the loop: others, and the network, have their turn before the
  /// rest.
  private static let mostLines = 32

  private let descriptor: Int32
  private let connections: Connections
  private let client: ClientID
  /// Who it is; nil where the kernel does not say.
  private let credentials: PeerCredentials?
  private var watch: WatchID?
  private var watchedFor: Readiness = .readable
  private var lines = LineBuffer(limit: ControlLimits.maxLineBytes)
  /// Answers that are not sent yet, and how many bytes at their front are.
  private var output: [UInt8] = []
  private var sent = 0
  private var isFlushPlanned = false
  /// The client reads slower than it is answered.
  private var isClogged = false
  private var inFlight = 0
  private var stage = Stage.serving
  /// The client has said all it will say, and waits for its answers.
  private var isInputClosed = false
  private var isTakingLines = false
  /// There are more lines than are taken in one iteration.
  private var hasMore = false
  private var stall: LoopTimer?

  private enum Stage {
    case serving
    /// All that it asked for is answered: it ends when the answers are out.
    case finishing
    /// It has been told why it ends, and is given a moment to read that.
    case draining
    case closed
  }

  /// - Throws: the cause, if the system does not watch its descriptor.
  init(_ descriptor: Int32, _ connections: Connections) throws(Errno) {
    self.descriptor = descriptor
    self.connections = connections
    client = connections.nextClient()
    credentials = PeerCredentials(of: descriptor)
    watch = try connections.loop.watch(descriptor, for: .readable, self)
  }

  /// There are as many clients as are served.
  func turnAway() {
    let limit = connections.settings.clients
    end(with: ControlError(.busy, "\(limit) clients are connected already; try again when one has left"))
  }

  /// The node ends: what is answered is still sent, if the client has room for it.
  func shutDown() {
    if stage == .serving { stage = .draining }
    flush()
    close()
  }

  /// Nothing is sent or read any more.
  func close() {
    guard stage != .closed, let watch else { return }
    stage = .closed
    stall?.cancel()
    connections.loop.end(watch)
    self.watch = nil
    Glibc.close(descriptor)
    connections.requestsInFlight -= inFlight
    inFlight = 0
    connections.service.clientLeft(client)
    // Whoever is on its way back here must find it.
    connections.loop.executeLater { [self] in connections.remove(self) }
  }

  // MARK: - What the client does

  func isReady(_ readiness: Readiness) {
    if readiness.contains(.writable) {
      flush()
      takeLines()
    }
    if readiness.contains(.readable) { read() }
    guard readiness.contains(.broken) else { return }
    // Whoever is gone reads no answers, but what was asked for before is done.
    for _ in 0..<Self.mostReads where stage == .serving && !isInputClosed { read() }
    close()
  }

  private func read() {
    guard stage != .closed, !isInputClosed else { return }
    let buffer = connections.readBuffer
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    switch count {
    case 1...:
      // What comes after the end is thrown away.
      guard stage == .serving else { return }
      lines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      takeLines()
    case 0:
      isInputClosed = true
      if stage == .draining { close() } else { takeLines() }
    default:
      let cause = Errno.current
      guard cause != .wouldBlock, cause != .interrupted else { return }
      connections.logger.debug("control connection", metadata: ["reason": "\(cause)"])
      close()
    }
  }

  private func takeLines() {
    // A request that is answered at once comes back here while its line is being handled.
    guard !isTakingLines else { return }
    isTakingLines = true
    defer { isTakingLines = false }
    // Those that are left over wait for their turn.
    guard !hasMore else { return }
    var room = Self.mostLines
    while stage == .serving, inFlight < connections.settings.requestsPerClient, !isClogged {
      guard room > 0 else {
        hasMore = true
        connections.loop.executeLater { [self] in
          hasMore = false
          takeLines()
        }
        break
      }
      switch lines.next() {
      case .line(let line):
        room -= 1
        // A whole line is a sign of life.
        watchForStall(false)
        handle(line)
        continue
      case .tooLong:
        end(with: .lineTooLong)
      case .more:
        if isInputClosed, let line = lines.last(), !line.isEmpty { handle(line) }
      }
      break
    }
    guard stage == .serving else { return }
    if isInputClosed, inFlight == 0, !hasMore, !lines.isMidLine {
      finish()
      return
    }
    let isFull = inFlight >= connections.settings.requestsPerClient || isClogged || hasMore
    // The socket's own buffer fills up and holds the client back.
    updateWatch(isReading: !isFull && !isInputClosed)
    watchForStall(lines.isMidLine && !isFull || isClogged)
  }

  private func updateWatch(isReading: Bool) {
    var wanted: Readiness = isReading ? .readable : []
    if sent < output.count { wanted.insert(.writable) }
    guard wanted != watchedFor, let watch else { return }
    watchedFor = wanted
    connections.loop.change(watch, to: wanted)
  }

  /// Ends a connection that stays stalled, whoever of the two it waits for.
  private func watchForStall(_ isStalled: Bool) {
    guard isStalled else {
      stall?.cancel()
      stall = nil
      return
    }
    guard stall == nil else { return }
    stall = connections.loop.schedule(after: Self.patience) { [unowned self] in
      stall = nil
      end(
        with: ControlError(
          .invalidRequest,
          "no whole line was sent, or no answer read, for \(Self.patience.components.seconds) s; connect again",
          reason: "stalled"))
    }
  }

  // MARK: - Requests

  private func handle(_ line: [UInt8]) {
    // Between requests people press the return key; it asks for nothing.
    guard line.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") }) else { return }
    let decoded = ControlCodec.decodeRequest(line)
    switch decoded.outcome {
    case .failure(let error):
      if let id = decoded.id { answer(id, .failure(error)) }
    case .success(let request):
      let limit = connections.settings.requests
      guard connections.requestsInFlight < limit else {
        if let id = decoded.id {
          let message = "\(limit) requests of all clients are under way already; try again in a moment"
          answer(id, .failure(ControlError(.busy, message)))
        }
        return
      }
      inFlight += 1
      connections.requestsInFlight += 1
      connections.service.carryOut(request, for: client, credentials) { [self] outcome in
        // One that is closed counts for nothing any more.
        guard stage != .closed else { return }
        inFlight -= 1
        connections.requestsInFlight -= 1
        guard stage == .serving else { return }
        if let id = decoded.id { answer(id, outcome) }
        // There is room for one more now.
        if !watchedFor.contains(.readable) || isInputClosed { takeLines() }
      }
    }
  }

  // MARK: - Answers

  private func answer(_ id: RequestID, _ outcome: Result<ControlResult, ControlError>) {
    guard stage == .serving else { return }
    ControlCodec.encode(ControlResponse(id: id, outcome: outcome), appendingTo: &output)
    if output.count - sent > Self.mostUnread { isClogged = true }
    guard !isFlushPlanned else { return }
    isFlushPlanned = true
    connections.flushLater(self)
  }

  /// Sends what the client has room for.
  func flush() {
    isFlushPlanned = false
    let unsent = output.count - sent
    while stage != .closed, sent < output.count {
      let count = output.withUnsafeBytes { bytes in
        send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        sent += count
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        close()
        return
      }
    }
    // A client that reads, however slowly, has not stalled.
    if output.count - sent < unsent { watchForStall(false) }
    if sent == output.count {
      output.removeAll(keepingCapacity: output.capacity <= Self.fewUnread)
      sent = 0
      if stage == .finishing { close() }
    }
    if output.count - sent <= Self.fewUnread { isClogged = false }
    switch stage {
    case .serving: takeLines()
    case .finishing:
      waitForReader()
      updateWatch(isReading: false)
    case .draining: updateWatch(isReading: true)
    case .closed: break
    }
  }

  // MARK: - The end

  /// Says why, and closes when that is out.
  private func end(with error: ControlError) {
    guard stage == .serving else { return }
    answer(.null, .failure(error))
    // A client that reads nothing would keep the connection open by not reading its end either.
    let wasClogged = isClogged
    stage = .draining
    flush()
    if wasClogged || sent < output.count { close() } else { drain() }
  }

  /// Closes our half and throws away what still comes, so that the client can read why before the
  /// connection is reset under it.
  private func drain() {
    guard stage == .draining else { return }
    lines = LineBuffer(limit: ControlLimits.maxLineBytes)
    shutdown(descriptor, Int32(SHUT_WR))
    updateWatch(isReading: true)
    stall?.cancel()
    stall = connections.loop.schedule(after: .milliseconds(500)) { [unowned self] in close() }
  }

  /// Closes when all answers are out, or the client has not read them for too long.
  private func finish() {
    stage = .finishing
    watchForStall(false)
    flush()
  }

  /// Gives a client that all is answered to so long to read the next of it.
  private func waitForReader() {
    guard stall == nil else { return }
    stall = connections.loop.schedule(after: Self.patience) { [unowned self] in close() }
  }
}
