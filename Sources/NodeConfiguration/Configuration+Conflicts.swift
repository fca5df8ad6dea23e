import Kademlia

extension Configuration {
  /// Each name is looked up, one after the other.
  private static let maxBootstrapNodes = 128

  /// What does not go together, although each value is right by itself.
  var conflicts: [(keys: [String], reason: String)] {
    var conflicts: [(keys: [String], reason: String)] = []
    func demand(_ keys: String..., is isMet: Bool, _ reason: String) {
      if !isMet { conflicts.append((keys, reason)) }
    }
    let numbers = parameters
    demand(
      "bind", is: bind == [.loopback] || !bind.isEmpty && !bind.contains(.loopback),
      "loopback goes with no other address, and some address is needed")
    demand(
      "network.id", is: networkID == .key || addressOfID != nil,
      "bep42 makes the ID from the address that others see: set network.address, or bind one address")
    demand(
      "network.id", "identity", is: networkID == .key || numbers.identity != .require,
      "an ID that is made from an address proves nothing; identity: require needs network.id: key")
    demand(
      "bind", is: bind.count(where: \.isV4) <= 1 && bind.count(where: \.isV6) <= 1,
      "at most one IPv4 and one IPv6 address can be bound")
    demand(
      "bootstrap", is: bootstrap.count <= Self.maxBootstrapNodes,
      "at most \(Self.maxBootstrapNodes) nodes can be named, and a few are enough")
    demand(
      "soft_timeout_floor", "soft_timeout_unknown",
      is: numbers.softTimeoutFloor <= numbers.softTimeoutUnknown,
      "soft_timeout_floor must not be over soft_timeout_unknown")
    demand(
      "soft_timeout_unknown", "rpc_timeout", is: numbers.softTimeoutUnknown <= numbers.rpcTimeout,
      "soft_timeout_unknown must not be over rpc_timeout")
    demand(
      "liveness_interval_in_doubt", "liveness_interval",
      is: numbers.livenessIntervalInDoubt <= numbers.livenessInterval,
      "liveness_interval_in_doubt must not be over liveness_interval")
    demand(
      "bootstrap_back_off", "probe_interval", is: numbers.bootstrapBackOff <= numbers.probeInterval,
      "bootstrap_back_off must not be over probe_interval")
    demand("ttl", "max_ttl", is: numbers.defaultTTL <= numbers.maxTTL, "ttl must not be over max_ttl")
    return conflicts
  }
}

extension Configuration {
  /// The address that an ID of BEP 42 is made from, as text; nil if none is known.
  package var addressOfID: String? {
    if let networkAddress { return networkAddress }
    guard bind.count == 1, case .address(let text)? = bind.first, text != "0.0.0.0", text != "::" else {
      return nil
    }
    return text
  }
}

extension BindAddress {
  fileprivate var isV4: Bool {
    if case .address(let text) = self { !text.contains(":") } else { false }
  }

  fileprivate var isV6: Bool {
    if case .address(let text) = self { text.contains(":") } else { false }
  }
}
