import ControlProtocol
import Kademlia

extension Setting {
  /// All settings, in the order of the documentation.
  package static let all: [Setting] =
    places + network + logging + lookup + upkeep + records + limits + sybil + storage

  /// The setting with a name; nil if there is none.
  package static func named(_ name: String) -> Setting? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The names of the sections.
  static let sections = Set(
    all.compactMap { $0.name.split(separator: ".").dropLast().first.map(String.init) })

  private static let places = [
    Setting("bind", listOf: \.bind, .bindAddress, .atStart),
    Setting("bootstrap", listOf: \.bootstrap, .hostPort),
    Setting("state_dir", \.stateDirectory, .path(), .atStart),
    // The socket is first made under a longer name, with the process ID.
    Setting(
      "control_socket", \.controlSocket, .path(maxBytes: ControlLimits.maxSocketPathBytes - 8), .atStart),
    Setting("control_mode", \.controlMode, .mode, .atStart),
    Setting("control_group", \.controlGroup, .groupName, .atStart),
  ]

  // A running node that changed its network would lose its operations and take its contacts along. The keys
  // in the file may change.
  private static let network = [
    Setting("identity", \.parameters.identity, .word),
    Setting("network.id", \.networkID, .word, .atStart),
    Setting("network.address", \.networkAddress, .address, .atStart),
    Setting("network.name", \.networkName, .networkName, .atStart),
    Setting("network.keys", \.networkKeys, .path(), .atStart),
    Setting("network.sessions", \.networkSessions, .number(64...1_048_576), .atStart),
  ]

  private static let logging = [
    Setting("log_level", \.logLevel, .word),
    Setting("log_target", \.logTarget, .word, .atStart),
    Setting("log_writes", \.logWrites, .word),
  ]

  private static let lookup = [
    // With k = 1, lookups cannot get past a dead node. A reply with more than 20 nodes of both families
    // would not fit into a datagram.
    Setting("k", \.parameters.k, .number(2...20), .atStart),
    Setting("alpha", \.parameters.alpha, .number(1...16)),
    Setting("rpc_timeout", \.parameters.rpcTimeout, .time(.milliseconds(100) ... .seconds(60))),
    Setting("soft_timeout_floor", \.parameters.softTimeoutFloor, .time(.milliseconds(1) ... .seconds(10))),
    Setting(
      "soft_timeout_unknown", \.parameters.softTimeoutUnknown, .time(.milliseconds(10) ... .seconds(60))),
  ]

  private static let upkeep = [
    // The unit allows 30 s for a start.
    Setting("join_timeout", \.parameters.joinTimeout, .time(.zero ... .seconds(20)), .atStart),
    Setting(
      "bootstrap_back_off", \.parameters.bootstrapBackOff, .time(.milliseconds(100) ... .seconds(3600))),
    Setting("probe_interval", \.parameters.probeInterval, .time(.seconds(1) ... .seconds(3600))),
    Setting("liveness_interval", \.parameters.livenessInterval, .time(.seconds(1) ... .seconds(3600))),
    Setting(
      "liveness_interval_in_doubt", \.parameters.livenessIntervalInDoubt,
      .time(.seconds(1) ... .seconds(3600))),
    Setting("failures_before_removal", \.parameters.failuresBeforeRemoval, .number(1...100)),
    Setting("lost_contacts", \.parameters.lostContacts, .number(0...4096)),
    Setting("refresh_interval", \.parameters.refreshInterval, .time(.seconds(60) ... .seconds(86_400))),
  ]

  private static let records = [
    Setting("ttl", \.parameters.defaultTTL, .seconds(1...30 * 86_400)),
    Setting("max_ttl", \.parameters.maxTTL, .seconds(60...30 * 86_400)),
    Setting("clock_skew", \.parameters.clockSkew, .seconds(0...86_400)),
    Setting("write_token_age", \.parameters.tokenEpoch, .time(.seconds(60) ... .seconds(3600)), .atStart),
    Setting("repair_interval", \.parameters.repairInterval, .time(.seconds(1) ... .seconds(86_400))),
    Setting("replicate_interval", \.parameters.replicateInterval, .time(.seconds(1) ... .seconds(86_400))),
    Setting(
      "republish_interval", \.parameters.republishInterval, .time(.seconds(1) ... .seconds(30 * 86_400))),
    Setting("expiry_interval", \.parameters.expiryInterval, .time(.seconds(1) ... .seconds(3600))),
  ]

  private static let limits = [
    Setting("limits.operations", \.parameters.activeOperations, .number(1...65_536)),
    Setting("limits.waiting_operations", \.parameters.waitingOperations, .number(0...1_048_576)),
    Setting("limits.queries", \.parameters.inflightQueries, .number(64...1_048_576)),
    Setting("limits.clients", \.clients, .number(1...4096)),
    Setting("limits.client_requests", \.clientRequests, .number(1...4096)),
    Setting("limits.all_requests", \.allRequests, .number(1...1_048_576)),
    Setting("limits.name_lookups", \.nameLookUps, .number(1...4096)),
    Setting("limits.verifications", \.parameters.verifications, .number(1...4096)),
    Setting("limits.renewals", \.parameters.renewalsPerSecond, .number(1...10_000)),
    Setting("limits.pending_writes", \.parameters.pendingCommits, .number(64...1_048_576)),
    Setting("limits.keys_per_source", \.parameters.keysPerSource, .number(0...1_048_576)),
    Setting("limits.requests_per_source", \.parameters.floods.requestsPerSource, .number(1...10_000_000)),
    // A smaller bucket could not hold a datagram.
    Setting("limits.bytes_per_source", \.parameters.floods.bytesPerSource, .bytes(4 << 10...1 << 40)),
    Setting("limits.stores_per_source", \.parameters.floods.storesPerSource, .number(1...10_000_000)),
    Setting("limits.requests", \.parameters.floods.requests, .number(2...100_000_000)),
    Setting("limits.bytes", \.parameters.floods.bytes, .bytes(8 << 10...1 << 40)),
    Setting("limits.unproven_bytes", \.parameters.floods.unprovenBytes, .bytes(1 << 10...1 << 40)),
    Setting("limits.sources", \.parameters.floods.sources, .number(64...1_048_576)),
    Setting("limits.loopback", \.parameters.floods.loopback, .word),
    Setting("limits.cached_keys", \.parameters.cachedRecords, .number(0...1_048_576)),
    Setting("limits.cache_bytes", \.parameters.cachedBytes, .bytes(0...1 << 30)),
    Setting("limits.bootstrap_addresses", \.parameters.bootstrapAddresses, .number(1...1024)),
  ]

  private static let sybil = [
    Setting("sybil.addresses", \.parameters.subnetLimits.scope, .word),
    Setting("sybil.contacts_per_bucket", \.parameters.subnetLimits.perBucket, .number(1...1024)),
    Setting("sybil.contacts_per_table", \.parameters.subnetLimits.perTable, .number(1...65_536)),
    Setting("sybil.disjoint_paths", \.parameters.disjointPaths, .number(1...Lookup.mostPaths)),
    Setting("sybil.large_network", \.parameters.largeNetwork, .number(0...1_000_000_000)),
  ]

  private static let storage = [
    Setting("storage.durability", \.durability, .word, .atStart),
    Setting("storage.max_bytes", \.storageBytes, .bytes(1 << 20...1 << 40)),
  ]
}
