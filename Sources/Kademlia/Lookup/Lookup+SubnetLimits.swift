/// Keeps a subnet from taking over a lookup: the number of its nodes on the shortlist is limited, fewer are
/// asked while these answer, and one is asked at each address and port.
extension Lookup {
  /// Returns whether a node may be put at a place of the shortlist. If need be, the furthest node of its
  /// subnet that was not asked makes room. Dead nodes do not count, or a liar could keep a subnet out by
  /// naming some.
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

  /// Decides which nodes of a subnet are passed over, after one of them was added or changed its state.
  mutating func balance(_ subnet: IPAddress) {
    let members = candidates.indices.filter { candidates[$0].isCounted(in: subnet) }
    guard members.count > 1 else { return }
    let asked = members.count { candidates[$0].isAsked }
    for index in members where candidates[index].isUnasked {
      let isTaken = isAsked(candidates[index].peer.endpoint) && !candidates[index].isVerified
      candidates[index].state = asked >= caps.perBucket || isTaken ? .passedOver : .notContacted
    }
  }

  /// Returns whether a node that was given up has answered after enough others of its subnet took its place.
  /// The nodes that it names are used, but its answer does not count.
  func isTooLate(_ index: Int) -> Bool {
    let candidate = candidates[index]
    guard caps.cover(candidate.peer.endpoint.address), !candidate.isAsked else { return false }
    let subnet = candidate.peer.endpoint.address.subnet
    let asked = candidates.filter { $0.isCounted(in: subnet) && $0.isAsked }
    return asked.count >= caps.perBucket || asked.contains { $0.peer.endpoint == candidate.peer.endpoint }
  }
}

extension Lookup.Candidate {
  /// Returns whether the candidate is at an address of a subnet, and not this node itself.
  fileprivate func isCounted(in subnet: IPAddress) -> Bool {
    hop > 0 && peer.endpoint.address.subnet == subnet
  }

  /// True if the candidate was asked and has not failed to answer.
  fileprivate var isAsked: Bool {
    switch state {
    case .waiting, .late, .questionable, .answered, .routing: true
    case .notContacted, .passedOver, .unresponsive, .failed: false
    }
  }

  /// True if the candidate was not asked.
  var isUnasked: Bool { state == .notContacted || state == .passedOver }
}
