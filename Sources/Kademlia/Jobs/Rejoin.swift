import NodeTime

/// Pings the contacts from before the start, so that a node finds its network again if no bootstrap node is
/// up.
struct Rejoin: Job, ~Copyable {
  /// The addresses of the contacts that have neither answered nor been given up.
  private var waiting: [Endpoint] = []

  /// Begins with the contacts from before the start, the latest first.
  mutating func start(_ remembered: [Peer], _ out: inout [Directive]) {
    waiting = remembered.map(\.endpoint)
    for peer in remembered {
      out.append(.send(.ping, to: peer.endpoint, expecting: peer.id, owner: .rejoin))
    }
  }

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Void, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch event.kind {
    case .late, .timedOut: return
    case .unresponsive, .answered, .forged, .refused, .replaced: break
    }
    // An answer or a timeout settles an address once, however often it was asked.
    guard let index = waiting.firstIndex(of: event.query.endpoint) else { return }
    waiting.remove(at: index)
    if waiting.isEmpty { out.append(.rejoinSettled) }
  }
}
