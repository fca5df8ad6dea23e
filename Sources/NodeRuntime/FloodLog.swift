import Kademlia
import Logging
import NodeTime

/// Tells the operator of floods: of one source and of one overload a minute, and how many others there were.
struct FloodLog {
  private static let pause: Duration = .seconds(60)

  private var lastCutOff: Instant?
  /// Sources that were cut off since and not told of.
  private var untold = 0
  private var lastOverload: Instant?

  /// A source goes on sending more than it may: it gets no more answers.
  mutating func cutOff(_ now: Instant, _ source: Endpoint, _ logger: Logger) {
    guard lastCutOff.map({ now.since($0) > Self.pause }) ?? true else {
      untold += 1
      return
    }
    let others = untold > 0 ? "; so were \(untold) times others since this was told last" : ""
    lastCutOff = now
    untold = 0
    logger.warning(
      "a source sends more than it may and is cut off until it sends less\(others)",
      metadata: .event(.sourceCutOff, ["peer": "\(source)"]))
  }

  /// All sources together send more than they may, each of them less.
  mutating func overloaded(_ now: Instant, _ logger: Logger) {
    guard lastOverload.map({ now.since($0) > Self.pause }) ?? true else { return }
    lastOverload = now
    logger.warning(
      "more datagrams come than this node takes; those of unknown senders are dropped",
      metadata: .event(.overloaded))
  }
}
