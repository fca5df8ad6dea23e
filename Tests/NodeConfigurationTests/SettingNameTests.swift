import NodeConfiguration
import Testing

@Suite("The names of settings") struct SettingNameTests {
  /// The settings of version 0.5. Files that people have written use these names: none may go, and none may
  /// change.
  private static let names05 = [
    "alpha", "bind", "bootstrap", "bootstrap_back_off", "clock_skew", "control_group", "control_mode",
    "control_socket", "expiry_interval", "failures_before_removal", "identity", "join_timeout", "k",
    "limits.all_requests", "limits.bootstrap_addresses", "limits.bytes", "limits.bytes_per_source",
    "limits.cache_bytes", "limits.cached_keys", "limits.client_requests", "limits.clients",
    "limits.keys_per_source", "limits.loopback", "limits.name_lookups", "limits.operations",
    "limits.pending_writes", "limits.queries", "limits.renewals", "limits.requests",
    "limits.requests_per_source", "limits.sources", "limits.stores_per_source", "limits.unproven_bytes",
    "limits.verifications", "limits.waiting_operations", "liveness_interval", "liveness_interval_in_doubt",
    "log_level", "log_target", "log_writes", "lost_contacts", "max_ttl", "network.address", "network.id",
    "network.keys", "network.name", "network.sessions", "probe_interval", "refresh_interval",
    "repair_interval", "replicate_interval", "republish_interval", "rpc_timeout", "soft_timeout_floor",
    "soft_timeout_unknown", "state_dir", "storage.durability", "storage.max_bytes", "sybil.addresses",
    "sybil.contacts_per_bucket", "sybil.contacts_per_table", "sybil.disjoint_paths", "sybil.large_network",
    "ttl", "write_token_age",
  ]

  @Test("every setting of version 0.5 still has its name")
  func names() {
    let now = Set(Setting.all.map(\.name))
    let missing = Self.names05.filter { !now.contains($0) }
    #expect(missing.isEmpty)
  }
}
