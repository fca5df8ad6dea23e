/// No subnet takes a lookup over: of the nodes of one, only so many are on the shortlist, and fewer
/// are asked, as long as these answer; and one at each address and port.
extension Lookup {
  /// Whether a node may be put at a place of the shortlist; the furthest of its subnet that was not asked makes
  /// room for it if need be. Dead ones do not count, or a liar could keep a subnet out by naming some.
  mutating func admits(_ peer: Peer, at place: Int) -> Bool {
    let subnet = peer.endpoint.address.subnet
    var count = 0
    var furthest: Int?
    for (index, candidate) in candidates.enumerated() where candidate.isCounted(in: subnet) {
      switch candidate.state {
      case .unresponsive, .failed: continue
      case .notContacted, .passedOver: furthest = index
      case .waiting, .late, .questionable, .answered, .routing: break
      }
      count += 1
    }
    guard count >= caps.perTable else { return true }
    guard let furthest, furthest >= place else { return false }
    candidates.remove(at: furthest)
    return true
  }

  /// Sets which nodes of a subnet are passed over, after one of them has come or its state has changed.
  mutating func balance(_ subnet: IPAddress) {
    let members = candidates.indices.filter { candidates[$0].isCounted(in: subnet) }
    guard members.count > 1 else { return }
    let asked = members.count { candidates[$0].isAsked }
    for index in members where candidates[index].isUnasked {
      let isTaken = isAsked(candidates[index].peer.endpoint) && !candidates[index].isVerified
      candidates[index].state = asked >= caps.perBucket || isTaken ? .passedOver : .notContacted
    }
  }

  /// Whether an answer of a node that was given up has come when enough others of its subnet had taken its
  /// place: it leads on, and does not count.
  func isTooLate(_ index: Int) -> Bool {
    let candidate = candidates[index]
    guard caps.cover(candidate.peer.endpoint.address), !candidate.isAsked else { return false }
    let subnet = candidate.peer.endpoint.address.subnet
    let asked = candidates.filter { $0.isCounted(in: subnet) && $0.isAsked }
    return asked.count >= caps.perBucket || asked.contains { $0.peer.endpoint == candidate.peer.endpoint }
  }
}

extension Lookup.Candidate {
  /// Whether it is at an address of a subnet, and not this node itself.
  fileprivate func isCounted(in subnet: IPAddress) -> Bool {
    hop > 0 && peer.endpoint.address.subnet == subnet
  }

  /// Whether it was asked, and has not failed to answer.
  fileprivate var isAsked: Bool {
    switch state {
    case .waiting, .late, .questionable, .answered, .routing: true
    case .notContacted, .passedOver, .unresponsive, .failed: false
    }
  }

  /// Whether it was not asked.
  var isUnasked: Bool { state == .notContacted || state == .passedOver }
}
