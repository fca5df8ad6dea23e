import Foundation
import Synchronization

/// Somebody on the way between two nodes: all that one sends to the other passes through two sockets, and is
/// kept.
///
/// Each node takes the socket before it for the other node. It is known to neither at its real address.
final class Tap: Sendable {
  /// The destination of a datagram.
  enum Side: Hashable, Sendable { case first, second }

  struct Captured: Sendable {
    let to: Side
    let bytes: [UInt8]
  }

  private struct State {
    var captured: [Captured] = []
    var isOver = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  /// The address at which the second node reaches the first.
  let port: UInt16

  /// - Parameters:
  ///   - first: the port of a node that runs.
  ///   - second: the port of one that is about to, and bootstraps from `port`.
  init(first: UInt16, second: UInt16) throws {
    // Nobody but the thread uses them from there on.
    nonisolated(unsafe) let (toFirst, toSecond) = (try UDPClient(), try UDPClient())
    port = toSecond.boundPort
    Thread.detachNewThread { [self] in
      pass(toFirst, first, toSecond, second)
      state.withLock { $0.hasEnded = true }
    }
  }

  private func pass(_ toFirst: UDPClient, _ first: UInt16, _ toSecond: UDPClient, _ second: UInt16) {
    while !state.withLock(\.isOver) {
      let ready = [toFirst, toSecond].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      _ = waitForAny(ready, until: Deadline(within: 0.05))
      for (source, target, port, side) in [
        (toFirst, toSecond, second, Side.second), (toSecond, toFirst, first, .first),
      ] {
        while let bytes = source.receiveAtHand() {
          state.withLock { $0.captured.append(Captured(to: side, bytes: bytes)) }
          target.send(bytes, to: port)
        }
      }
    }
  }

  /// The datagrams so far.
  var captured: [Captured] { state.withLock(\.captured) }

  /// Lets nothing pass any more.
  func end() throws {
    state.withLock { $0.isOver = true }
    try eventually("the tap to end") { state.withLock(\.hasEnded) }
  }
}

extension UDPClient {
  /// A datagram that has come; nil if none has.
  func receiveAtHand() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : Array(buffer.prefix(count))
  }
}
