import ControlProtocol
import EventLoop
import Glibc
import Kademlia
import Logging
import NodeRuntime
import Platform
import SystemPackage

/// A client: reads its lines, sends its answers and enforces its limits.
///
/// Answers are sent in the order in which the requests end. A client that sends faster than it is served, or
/// reads too slowly, is not read from until it catches up. A client that stalls in the middle of a line or
/// of its answers is disconnected.
final class ControlConnection: DescriptorWatcher {
  /// The time a client may stall.
  private static let stallTimeout: Duration = .seconds(30)
  /// No more lines are read while more bytes of answers than `maxUnread` are unsent, until at most
  /// `lowUnread` are left.
  private static let maxUnread = 256 << 10
  private static let lowUnread = 64 << 10
  /// The most reads that empty the socket of a client that has closed its end.
  private static let maxFinalReads = 16
  /// The most lines handled in one iteration of the loop. Other clients and the network come before the
  /// rest.
  private static let maxLinesPerIteration = 32

  private let descriptor: Int32
  private let connections: Connections
  private let client: ClientID
  /// The client's process and user; nil if the kernel does not report them.
  private let credentials: PeerCredentials?
  private var watch: WatchID?
  private var watchedFor: Readiness = .readable
  private var lines = LineBuffer(limit: ControlLimits.maxLineBytes)
  /// Answers that are not sent yet. The first `sent` bytes of them are.
  private var output: [UInt8] = []
  private var sent = 0
  private var isFlushPlanned = false
  /// The client reads more slowly than it is answered.
  private var isClogged = false
  private var inFlight = 0
  private var stage = Stage.serving
  /// The client has closed its sending side and waits for its answers.
  private var isInputClosed = false
  private var isTakingLines = false
  /// More lines are buffered than are handled in one iteration.
  private var hasMore = false
  private var stall: LoopTimer?

  private enum Stage {
    case serving
    /// All requests are answered; the connection closes when the answers are sent.
    case finishing
    /// An error ends the connection, and the client is given a moment to read it.
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

  /// Rejects the client because the limit of clients is reached.
  func reject() {
    let limit = connections.settings.clients
    end(with: ControlError(.busy, "busy: \(limit) clients are already connected; try again later"))
  }

  /// Closes the connection because the node stops. Answers are still sent if the socket has room for them.
  func shutDown() {
    if stage == .serving { stage = .draining }
    flush()
    close()
  }

  /// Closes the connection without sending or reading anything else.
  func close() {
    guard stage != .closed, let watch else { return }
    stage = .closed
    stall?.cancel()
    connections.loop.end(watch)
    self.watch = nil
    Glibc.close(descriptor)
    connections.requestsInFlight -= inFlight
    inFlight = 0
    connections.service.handleDeparture(of: client)
    // The connection must stay alive until the callers on the stack return.
    connections.loop.executeLater { [self] in connections.remove(self) }
  }

  // MARK: - What the client does

  func handleReadiness(_ readiness: Readiness) {
    if readiness.contains(.writable) {
      flush()
      takeLines()
    }
    if readiness.contains(.readable) { read() }
    guard readiness.contains(.broken) else { return }
    // A client that is gone reads no answers, but its earlier requests are still carried out.
    for _ in 0..<Self.maxFinalReads where stage == .serving && !isInputClosed { read() }
    close()
  }

  private func read() {
    guard stage != .closed, !isInputClosed else { return }
    // The buffer lives as long as `connections`. The read is at most as long as the buffer, and the bytes are
    // copied at once.
    let buffer = unsafe connections.readBuffer
    let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
    switch count {
    case 1...:
      // Input after the end is discarded.
      guard stage == .serving else { return }
      unsafe lines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      takeLines()
    case 0:
      isInputClosed = true
      if stage == .draining { close() } else { takeLines() }
    default:
      let cause = Errno.current
      guard cause != .wouldBlock, cause != .interrupted else { return }
      connections.logger.debug("control connection", metadata: .fields([.reason: "\(cause)"]))
      close()
    }
  }

  private func takeLines() {
    // A request that is answered at once calls this method while its line is being handled.
    guard !isTakingLines else { return }
    isTakingLines = true
    defer { isTakingLines = false }
    // The remaining lines wait for the next iteration.
    guard !hasMore else { return }
    var room = Self.maxLinesPerIteration
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
        // A complete line shows that the client has not stalled.
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

  /// Closes a connection that stays stalled, whether it waits for a line or for the client to read.
  private func watchForStall(_ isStalled: Bool) {
    guard isStalled else {
      stall?.cancel()
      stall = nil
      return
    }
    guard stall == nil else { return }
    stall = connections.loop.schedule(after: Self.stallTimeout) { [unowned self] in
      stall = nil
      end(
        with: ControlError(
          .invalidRequest,
          "no complete line was sent, or no answer read, for \(Self.stallTimeout.components.seconds) s; connect again",
          reason: "stalled"))
    }
  }

  // MARK: - Requests

  private func handle(_ line: [UInt8]) {
    // People press the return key between requests. An empty line is not a request.
    guard line.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") }) else { return }
    let decoded = ControlCodec.decodeRequest(line)
    switch decoded.outcome {
    case .failure(let error):
      if let id = decoded.id { answer(id, .failure(error)) }
    case .success(let request):
      let limit = connections.settings.requests
      guard connections.requestsInFlight < limit else {
        if let id = decoded.id {
          let message = "busy: \(limit) requests of all clients are already running; try again in a moment"
          answer(id, .failure(ControlError(.busy, message)))
        }
        return
      }
      inFlight += 1
      connections.requestsInFlight += 1
      connections.service.carryOut(request, for: client, credentials) { [self] outcome in
        // A closed connection no longer counts towards the limits.
        guard stage != .closed else { return }
        inFlight -= 1
        connections.requestsInFlight -= 1
        guard stage == .serving else { return }
        if let id = decoded.id { answer(id, outcome) }
        // There is room for another request.
        if !watchedFor.contains(.readable) || isInputClosed { takeLines() }
      }
    }
  }

  // MARK: - Answers

  private func answer(_ id: RequestID, _ outcome: Result<ControlResult, ControlError>) {
    guard stage == .serving else { return }
    ControlCodec.encode(ControlResponse(id: id, outcome: outcome), appendingTo: &output)
    if output.count - sent > Self.maxUnread { isClogged = true }
    guard !isFlushPlanned else { return }
    isFlushPlanned = true
    connections.flushLater(self)
  }

  /// Sends as much as the socket has room for.
  func flush() {
    isFlushPlanned = false
    let unsent = output.count - sent
    while stage != .closed, sent < output.count {
      // `sent` is within the output.
      let count = unsafe output.withUnsafeBytes { bytes in
        unsafe send(
          descriptor, bytes.baseAddress.map { unsafe $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
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
      output.removeAll(keepingCapacity: output.capacity <= Self.lowUnread)
      sent = 0
      if stage == .finishing { close() }
    }
    if output.count - sent <= Self.lowUnread { isClogged = false }
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

  /// Sends an error and closes the connection when it is sent.
  private func end(with error: ControlError) {
    guard stage == .serving else { return }
    answer(.null, .failure(error))
    // A client that reads nothing would keep the connection open by not reading its end either.
    let wasClogged = isClogged
    stage = .draining
    flush()
    if wasClogged || sent < output.count { close() } else { drain() }
  }

  /// Closes the sending side and discards further input, so that the client can read the error before the
  /// connection is reset.
  private func drain() {
    guard stage == .draining else { return }
    lines = LineBuffer(limit: ControlLimits.maxLineBytes)
    shutdown(descriptor, Int32(SHUT_WR))
    updateWatch(isReading: true)
    stall?.cancel()
    stall = connections.loop.schedule(after: .milliseconds(500)) { [unowned self] in close() }
  }

  /// Closes the connection when all answers are sent, or when the client does not read them in time.
  private func finish() {
    stage = .finishing
    watchForStall(false)
    flush()
  }

  /// Closes the connection if the client does not read its answers in time.
  private func waitForReader() {
    guard stall == nil else { return }
    stall = connections.loop.schedule(after: Self.stallTimeout) { [unowned self] in close() }
  }
}
