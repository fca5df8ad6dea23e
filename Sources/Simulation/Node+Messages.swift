package import Kademlia
import KRPC
package import NodeTime

extension Node {
  /// Makes a node whose messages are as long as KRPC encodes them.
  package init(
    _ now: Now, identity: Identity, parameters: Parameters, records: any RecordReader,
    random: any RandomNumberGenerator & Sendable
  ) {
    self.init(
      now, identity: identity, parameters: parameters, records: records, random: random,
      encodedSize: { KRPC.encodedSize($0) })
  }

  /// Handles a message as though it had arrived in a datagram.
  ///
  /// - Returns: whether the rate limits admitted it.
  @discardableResult
  package mutating func receive(_ now: Now, _ message: Message, from source: Endpoint) -> Admission {
    let transaction: UInt32? = if case .query = message.body { nil } else { message.transaction.number }
    return receive(now, bytes: KRPC.encodedSize(message), from: source, answering: transaction) {
      .message(message)
    }
  }
}
