import Kademlia
import KRPC
import NodeTime
import SeededRandom

/// The delivery of datagrams between hosts.
extension SimulatedNetwork {
  mutating func send(_ message: Message, from source: SimulatedHost, to endpoint: Endpoint) {
    datagramsSent += 1
    var sent: Message? = message
    if let tamper = source.tamper { sent = tamper(message) }
    if source.behaviour != .honest, let query = answering.query {
      sent = sent.flatMap { adversarialAnswer($0, to: query, from: endpoint, by: source) }
    }
    let tag = sent.map { count($0, from: source) } ?? 0
    guard let sent, let sender = source.endpoint(in: endpoint.address.family),
      let index = host(at: endpoint), hosts[index].side == source.side
    else {
      datagramsLost += 1
      return
    }
    let digest = Digest(sent).value
    var fate = fate(of: digest, from: source.index, to: index)
    guard !fate.chance(links.loss) else {
      datagramsLost += 1
      return
    }
    let datagram = Datagram(
      source: sender, destination: index, message: sent, digest: digest, tag: tag)
    for _ in 0..<(fate.chance(links.duplication) ? 2 : 1) {
      let delay = delay(from: source, to: hosts[index], using: &fate) + source.lag
      queue.plan(.deliver(datagram), at: time + delay)
    }
  }

  /// The random numbers that decide about the delivery of a datagram.
  ///
  /// They are derived from the link, the time and the content of the datagram. With one generator for all
  /// datagrams, they would depend on the order in which a node sends several in one step. A query that is
  /// sent again is sent at another time and may have another fate. Datagrams that differ only in their
  /// transaction numbers and leave together arrive or are lost together.
  private func fate(of digest: UInt64, from source: Int, to destination: Int) -> SplitMix64 {
    let link = Digest.combine(seed, (UInt64(source) << 32) | UInt64(destination))
    let moment = Digest.combine(link, UInt64(bitPattern: time.nanoseconds))
    return SplitMix64(seed: Digest.combine(moment, digest))
  }

  /// The delay that a host's access line adds to each of its round trips, in milliseconds; nil without a
  /// plane of delays.
  package func line(of host: Int) -> Double? {
    if case .plane = configuration.delays { hosts[host].place.access } else { nil }
  }

  private func delay(
    from source: SimulatedHost, to destination: SimulatedHost, using random: inout SplitMix64
  ) -> Duration {
    guard let model = configuration.delays else {
      return links.delay(from: source.index, to: destination.index, seed: seed, using: &random)
    }
    let oneWay = model.roundTrip(source.place, destination.place) / 2
    let extra = links.jitter > .zero ? Int64.random(in: 0...links.jitter.nanoseconds, using: &random) : 0
    return .nanoseconds(Int64(oneWay * 1e6) + extra)
  }

  /// Counts a datagram for its purpose.
  private mutating func count(_ message: Message, from host: SimulatedHost) -> UInt32 {
    guard traffic != nil else { return 0 }
    let bytes = KRPC.encodedSize(message)
    var tag = answering.tag
    var isQuery = false
    if case .query = message.body {
      isQuery = true
      tag = message.transaction.number.flatMap { host.tag(ofQuery: $0) } ?? 0
    }
    traffic?.count(tag, bytes: bytes, isQuery: isQuery)
    return tag
  }
}

extension SimulatedHost {
  fileprivate func tag(ofQuery transaction: UInt32) -> UInt32? {
    guard let cause = withNode({ $0.cause(ofQuery: transaction) }) else { return nil }
    guard case .operation(let id) = cause else { return Traffic.tag(cause) }
    return tracked.last { $0.operation == id }?.tag
  }
}
