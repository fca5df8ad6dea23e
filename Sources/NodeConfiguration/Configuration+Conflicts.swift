import Kademlia

extension Configuration {
  /// The names are looked up one after the other.
  private static let maxBootstrapNodes = 128

  /// The values that are valid by themselves and conflict with each other.
  var conflicts: [(keys: [String], reason: String)] {
    var conflicts: [(keys: [String], reason: String)] = []
    func demand(_ keys: String..., is isMet: Bool, _ reason: String) {
      if !isMet { conflicts.append((keys, reason)) }
    }
    let numbers = parameters
    demand(
      "bind", is: bind == [.loopback] || !bind.isEmpty && !bind.contains(.loopback),
      "loopback cannot be combined with another address, and at least one address is needed")
    demand(
      "network.id", is: networkID == .key || addressOfID != nil,
      "bep42 derives the ID from the public address: set network.address, or bind one address")
    demand(
      "network.id", "identity", is: networkID == .key || numbers.identity != .require,
      "an ID derived from an address proves nothing; identity: require needs network.id: key")
    demand(
      "bind", is: bind.count(where: \.isV4) <= 1 && bind.count(where: \.isV6) <= 1,
      "at most one IPv4 and one IPv6 address can be bound")
    demand(
      "bootstrap", is: bootstrap.count <= Self.maxBootstrapNodes,
      "at most \(Self.maxBootstrapNodes) nodes are allowed; a few are enough")
    demand(
      "soft_timeout_floor", "soft_timeout_unknown",
      is: numbers.softTimeoutFloor <= numbers.softTimeoutUnknown,
      "soft_timeout_floor must not exceed soft_timeout_unknown")
    demand(
      "soft_timeout_unknown", "rpc_timeout", is: numbers.softTimeoutUnknown <= numbers.rpcTimeout,
      "soft_timeout_unknown must not exceed rpc_timeout")
    demand(
      "liveness_interval_in_doubt", "liveness_interval",
      is: numbers.livenessIntervalInDoubt <= numbers.livenessInterval,
      "liveness_interval_in_doubt must not exceed liveness_interval")
    demand(
      "bootstrap_back_off", "probe_interval", is: numbers.bootstrapBackOff <= numbers.probeInterval,
      "bootstrap_back_off must not exceed probe_interval")
    demand("ttl", "max_ttl", is: numbers.defaultTTL <= numbers.maxTTL, "ttl must not exceed max_ttl")
    return conflicts
  }
}

extension Configuration {
  /// The address that a BEP 42 node ID is derived from, as text; nil if it is unknown.
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
