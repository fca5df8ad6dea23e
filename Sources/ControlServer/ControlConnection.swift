import ControlProtocol
import NIOCore

/// One client: its lines in, its answers out, and its limits.
///
/// Answers go out in the order in which they come to be. A client that sends faster than it is
/// served, or than it reads, is not read from until it catches up; one that stalls in the middle of
/// a line or of its answers loses the connection.
final class ControlConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How long a client may stall.
  private static let patience = TimeAmount.seconds(30)

  private let connections: Connections
  private var lines = LineBuffer(limit: ControlLimits.maxLineBytes)
  private var inFlight = 0
  private var isReading = true
  private var isClosing = false
  /// The client has said all it will say, and waits for its answers.
  private var isInputClosed = false
  private var isTakingLines = false
  private var stall: Scheduled<Void>?

  init(_ connections: Connections) {
    self.connections = connections
  }

  // MARK: - The channel's life

  func channelActive(context: ChannelHandlerContext) {
    guard connections.add(context.channel) else {
      let limit = ControlLimits.maxConnections
      end(
        context,
        with: ControlError(.busy, "\(limit) clients are connected already; try again when one has left"))
      return
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    connections.remove(context.channel)
    stall?.cancel()
    isClosing = true
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connections.logger.debug("control connection", metadata: ["reason": "\(error)"])
    context.close(promise: nil)
  }

  // MARK: - Lines in

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // What comes after the end is thrown away.
    guard !isClosing else { return }
    var bytes = unwrapInboundIn(data)
    lines.append(&bytes)
    takeLines(context)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      isInputClosed = true
      takeLines(context)
      context.flush()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    takeLines(context)
    context.flush()
  }

  private func takeLines(_ context: ChannelHandlerContext) {
    // A request that is answered at once comes back here while its line is being handled.
    guard !isTakingLines else { return }
    isTakingLines = true
    defer { isTakingLines = false }
    while !isClosing, inFlight < ControlLimits.maxRequestsInFlight, context.channel.isWritable {
      switch lines.next() {
      case .line(let line):
        // A whole line is a sign of life.
        watch(context, isStalled: false)
        handle(line, context)
        continue
      case .tooLong:
        end(context, with: .lineTooLong)
      case .more:
        if isInputClosed, let line = lines.last(), !line.isEmpty {
          handle(line, context)
        }
      }
      break
    }
    guard !isClosing else { return }
    if isInputClosed, inFlight == 0, !lines.isMidLine {
      closeWhenWritten(context)
      return
    }
    let isFull = inFlight >= ControlLimits.maxRequestsInFlight || !context.channel.isWritable
    read(!isFull, context)
    watch(context, isStalled: lines.isMidLine && !isFull || !context.channel.isWritable)
  }

  private func read(_ shouldRead: Bool, _ context: ChannelHandlerContext) {
    guard shouldRead != isReading else { return }
    isReading = shouldRead
    // The socket's own buffer fills up and holds the client back.
    context.channel.setOption(.autoRead, value: shouldRead).whenFailure { _ in }
  }

  /// Ends a connection that stays stalled, whoever of the two it waits for.
  private func watch(_ context: ChannelHandlerContext, isStalled: Bool) {
    guard isStalled else {
      stall?.cancel()
      stall = nil
      return
    }
    guard stall == nil else { return }
    stall = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [self] in
      let seconds = Self.patience.nanoseconds / 1_000_000_000
      end(
        context,
        with: ControlError(
          .invalidRequest,
          "no whole line was sent, or no answer read, for \(seconds) s; connect again", reason: "stalled"))
    }
  }

  // MARK: - Requests

  private func handle(_ line: [UInt8], _ context: ChannelHandlerContext) {
    // Between requests people press the return key; it asks for nothing.
    guard line.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") }) else { return }
    let decoded = ControlCodec.decodeRequest(line)
    switch decoded.outcome {
    case .failure(let error):
      if let id = decoded.id { answer(id, .failure(error), context) }
    case .success(let request):
      inFlight += 1
      connections.service.carryOut(request) { [self] outcome in
        inFlight -= 1
        guard !isClosing else { return }
        if let id = decoded.id {
          answer(id, outcome, context)
          context.flush()
        }
        // There is room for one more now.
        if !isReading || isInputClosed { takeLines(context) }
      }
    }
  }

  private func answer(
    _ id: RequestID, _ outcome: Result<ControlResult, ControlError>, _ context: ChannelHandlerContext
  ) {
    guard !isClosing else { return }
    let line = ControlCodec.encode(ControlResponse(id: id, outcome: outcome))
    context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: line)), promise: nil)
  }

  /// Says why, and closes when that is out.
  private func end(_ context: ChannelHandlerContext, with error: ControlError) {
    guard !isClosing else { return }
    answer(.null, .failure(error), context)
    isClosing = true
    let isClogged = !context.channel.isWritable
    context.flush()
    // A client that reads nothing would keep the connection open by not reading its end either.
    if isClogged {
      context.close(promise: nil)
    } else {
      closeWhenRead(context)
    }
  }

  /// Closes when all answers are out, or the client has not read them for too long.
  private func closeWhenWritten(_ context: ChannelHandlerContext) {
    isClosing = true
    let isolated = context.eventLoop.assumeIsolated()
    stall?.cancel()
    stall = isolated.scheduleTask(in: Self.patience) { context.close(promise: nil) }
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
  }

  /// Closes our half and throws away what still comes, so that the client can read why before the
  /// connection is reset under it.
  private func closeWhenRead(_ context: ChannelHandlerContext) {
    lines = LineBuffer(limit: ControlLimits.maxLineBytes)
    let isolated = context.eventLoop.assumeIsolated()
    stall?.cancel()
    stall = isolated.scheduleTask(in: .milliseconds(500)) { context.close(promise: nil) }
    context.close(mode: .output, promise: nil)
  }
}
