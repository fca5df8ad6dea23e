import Kademlia
import NodeConfiguration
import Testing

@Suite("Reloading the configuration of a running node") struct ReloadTests {
  @Test("a changeable setting takes effect, and another one is reported and keeps its value")
  func change() throws {
    let files = try Files(["dhtd.yaml": "alpha: 3\nk: 8\nbootstrap: [a:1]"])
    let old = try files.load().configuration
    try files.write("alpha: 5\nk: 9\nbind: [0.0.0.0]\nlog_level: debug", to: "dhtd.yaml")
    let (new, changes) = old.reloaded(from: try files.load().configuration)
    #expect(new.parameters.alpha == 5)
    #expect(new.parameters.k == 8)
    #expect(new.bind == [.loopback])
    #expect(new.logLevel == .debug)
    #expect(new.bootstrap.isEmpty)
    #expect(
      changes.map { "\($0.key): \($0.old) -> \($0.new), \($0.isInForce)" } == [
        "bind: loopback -> 0.0.0.0, false", "bootstrap: a:1 -> , true", "log_level: info -> debug, true",
        "k: 8 -> 9, false", "alpha: 3 -> 5, true",
      ])
  }

  @Test("a setting that cannot change is reported at each reload, until the node is restarted")
  func again() throws {
    let files = try Files(["dhtd.yaml": ""])
    let old = try files.load().configuration
    try files.write("k: 9", to: "dhtd.yaml")
    let new = try files.load().configuration
    let (first, _) = old.reloaded(from: new)
    #expect(first.reloaded(from: new).1.map(\.key) == ["k"])
  }

  @Test(
    "every key that may change does", arguments: Setting.all.filter { $0.change == .atReload }.map(\.name))
  func everyKey(name: String) throws {
    let values = [
      "bootstrap": "a:1", "log_level": "error", "alpha": "5", "rpc_timeout": "4s",
      "soft_timeout_floor": "30ms", "soft_timeout_unknown": "900ms", "bootstrap_back_off": "2s",
      "probe_interval": "40s", "liveness_interval": "40s", "liveness_interval_in_doubt": "7s",
      "failures_before_removal": "4", "lost_contacts": "65", "refresh_interval": "16m", "ttl": "2h",
      "max_ttl": "29d", "clock_skew": "9m", "repair_interval": "9m", "replicate_interval": "2h",
      "expiry_interval": "2m", "limits.operations": "65", "limits.waiting_operations": "9",
      "limits.queries": "65", "limits.verifications": "65", "limits.bootstrap_addresses": "9",
      "storage.max_bytes": "2MiB", "republish_interval": "2h", "limits.renewals": "50",
      "limits.pending_writes": "100", "limits.keys_per_source": "9", "limits.cached_keys": "9",
      "limits.cache_bytes": "2MiB", "sybil.addresses": "all", "sybil.contacts_per_bucket": "3",
      "sybil.contacts_per_table": "11", "sybil.disjoint_paths": "8", "sybil.large_network": "500",
      "log_writes": "all", "limits.clients": "9", "limits.client_requests": "9",
      "limits.all_requests": "9", "limits.name_lookups": "9", "limits.requests_per_source": "9",
      "limits.bytes_per_source": "1MiB", "limits.stores_per_source": "9", "limits.requests": "9",
      "limits.bytes": "1MiB", "limits.unproven_bytes": "1MiB", "limits.sources": "64",
      "limits.loopback": "counted", "identity": "require",
    ]
    let setting = try setting(name)
    let value = try #require(values[name])
    let new = try Files(["dhtd.yaml": "\(name): \(value)"]).load().configuration
    let (result, changes) = Configuration().reloaded(from: new)
    #expect(setting.values(in: result) == [value])
    #expect(changes.count == 1)
  }
}
