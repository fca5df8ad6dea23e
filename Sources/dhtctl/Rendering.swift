package import ControlProtocol

/// Formats results for people. It returns text and prints nothing.
package enum Rendering {
  /// `Stored key 'hello' at 3 nodes`, or `at 5 of 8 nodes` if not all of them stored it.
  ///
  /// - Parameter isSealed: omits the key that signed the record, which no reader of a sealed record needs.
  package static func put(
    _ key: [UInt8], _ result: PutResult, verb: String = "Stored", isSealed: Bool = false
  ) -> String {
    let signed = isSealed ? "" : result.publicKey.map { ", signed by \(safe($0))" } ?? ""
    return "\(verb) key '\(TerminalText.escaped(key))' at \(places(result))\(signed)\(shortfall(result))\n"
  }

  /// `Stored at 3 nodes`.
  package static func stored(_ result: PutResult) -> String {
    "Stored at \(places(result))\(shortfall(result))"
  }

  /// `; 2 known nodes did not respond`; empty if nothing keeps the record from being stored as it should.
  private static func shortfall(_ result: PutResult) -> String {
    var parts: [String] = []
    func add(_ count: Int64, _ one: String, _ many: String) {
      if count > 0 { parts.append(count == 1 ? one : "\(count) \(many)") }
    }
    add(result.silent, "1 known node did not respond", "known nodes did not respond")
    if result.isWeak || result.stored < result.replicas {
      add(result.refused, "1 node refused it", "nodes refused it")
      add(result.pending, "1 node has not answered yet", "nodes have not answered yet")
    }
    if parts.isEmpty, result.isWeak {
      parts.append("a majority of the nodes that should hold it has not confirmed")
    }
    return parts.map { "; \($0)" }.joined()
  }

  private static func places(_ result: PutResult) -> String {
    let nodes = result.replicas == 1 ? "node" : "nodes"
    let count =
      result.stored < result.replicas
      ? "\(result.stored) of \(result.replicas)" : "\(result.stored)"
    let noun = result.stored < result.replicas ? nodes : result.stored == 1 ? "node" : "nodes"
    return "\(count) \(noun)"
  }

  /// `Deleted key 'hello' at 3 nodes`, or `Found no value of key 'hello'; stored its deletion at 3 nodes`.
  package static func delete(_ key: [UInt8], _ result: PutResult, isSealed: Bool = false) -> String {
    guard result.replaced == 0 else { return put(key, result, verb: "Deleted", isSealed: isSealed) }
    return "Found no value of key '\(TerminalText.escaped(key))'; stored its deletion at \(places(result))"
      + "\(shortfall(result))\n"
  }

  /// A value for a terminal, escaped, and with a line feed at its end.
  package static func valueForTerminal(_ value: [UInt8]) -> String {
    let text = TerminalText.escapedLines(value)
    return text.hasSuffix("\n") ? text : text + "\n"
  }

  /// The output of `status`.
  package static func status(_ status: StatusResult) -> String {
    let inUse = status.buckets.count
    var lines: [(String, String)] = [
      ("Node ID", status.nodeID),
      ("Record key", status.recordKey),
      ("Address", addresses(status)),
      ("Version", status.version),
      ("Uptime", TimeSpan.text(status.uptime)),
      ("State", state(status)),
      ("Known nodes", "\(status.knownNodes) in \(inUse) \(inUse == 1 ? "bucket" : "buckets")"),
      ("Nodes by bucket", buckets(status.buckets)),
      ("Stored keys", "\(status.storedKeys) (\(bytes(status.storedBytes)))"),
    ]
    if status.storedTombstones > 0 { lines.append(("Deletions", "\(status.storedTombstones)")) }
    lines += [
      ("Published keys", "\(status.publishedKeys)"),
      ("Cached keys", "\(status.cachedKeys) (\(bytes(status.cachedBytes)))"),
      ("Storage", storage(status)),
      ("Upkeep", upkeep(status)),
    ]
    if status.recordsForged > 0 { lines.append(("Forged", "\(status.recordsForged) answers")) }
    if status.recordsDamaged > 0 { lines.append(("Damaged", "\(status.recordsDamaged) records")) }
    lines += [
      ("Gets", "\(status.getsOK) ok, \(status.getsNotFound) not found, \(status.getsFailed) failed"),
      ("Puts", "\(status.putsOK) ok, \(status.putsFailed) failed"),
      ("Latency", status.latency == nil ? "not known" : TimeSpan.milliseconds(status.latency)),
      (
        "Queries",
        "\(status.queriesSent) sent, \(status.responsesReceived) answered to us, "
          + "\(status.queriesTimedOut) timed out, \(status.queriesAnswered) answered by us"
      ),
    ]
    if status.datagramsMalformed > 0 { lines.append(("Malformed", "\(status.datagramsMalformed) datagrams")) }
    if let limits = limits(status) { lines.append(("Limits", limits)) }
    if let sealing = status.sealing { lines.append(("Private network", Self.sealing(sealing))) }
    if status.pendingOperations > 0 { lines.append(("Pending", "\(status.pendingOperations) operations")) }
    return block(lines)
  }

  /// `ready`, and the place of the node in its network if that limits its answers.
  private static func state(_ status: StatusResult) -> String {
    let silent = status.silentNodes ?? 0
    let nodes = silent == 1 ? "1 known node does not answer" : "\(silent) known nodes do not answer"
    switch status.standing {
    case .cutOff?: return "\(status.state.rawValue), cut off: \(nodes); see 'dhtctl help forget'"
    case .alone?: return "\(status.state.rawValue), alone: no other node answers; see 'dhtctl help forget'"
    case .onlyNode?: return "\(status.state.rawValue), the only node of its network"
    case .connected?, nil: return silent > 0 ? "\(status.state.rawValue); \(nodes)" : status.state.rawValue
    }
  }

  /// The output of `status` in the shell.
  package static func shellStatus(_ status: StatusResult) -> String {
    block([
      ("Node ID", status.nodeID),
      ("Address", addresses(status)),
      ("Nodes by bucket", buckets(status.buckets)),
      ("Total known nodes", "\(status.knownNodes)"),
      ("Stored keys", "\(status.storedKeys)"),
    ])
  }

  /// The contacts of the routing table.
  package static func peers(_ result: PeersResult) -> String {
    let silent = result.silent ?? []
    guard !result.peers.isEmpty else {
      return silent.isEmpty
        ? "No peers yet; join the network with 'dhtctl bootstrap HOST:PORT'\n"
        : "No peers\n" + Self.silent(silent)
    }
    var table = TextTable(
      ("NODE ID", .left), ("ADDRESS", .left), ("BUCKET", .right), ("RTT", .right), ("AGE", .right),
      ("LAST SEEN", .right), ("STATE", .left), ("PROVEN", .left))
    for peer in result.peers {
      let others = peer.addresses?.filter { $0 != peer.address } ?? []
      table.append(
        safe(peer.nodeID), safe(([peer.address] + others).joined(separator: " ")), "\(peer.bucket)",
        TimeSpan.milliseconds(peer.rtt), TimeSpan.text(peer.age), TimeSpan.text(peer.lastSeen),
        peer.state.rawValue, peer.proven ? "yes" : "no")
    }
    return table.text + Self.silent(silent)
  }

  /// The silent nodes under a title; empty if there are none.
  private static func silent(_ peers: [SilentPeer]) -> String {
    guard !peers.isEmpty else { return "" }
    var table = TextTable(("SILENT NODE", .left), ("ADDRESS", .left), ("SILENT FOR", .right))
    for peer in peers { table.append(safe(peer.nodeID), safe(peer.address), TimeSpan.text(peer.silentFor)) }
    return "\n" + table.text
  }

  /// The nodes that were forgotten.
  package static func forget(_ result: ForgetResult) -> String {
    result.nodes.isEmpty
      ? "No node is silent; bootstrap names without an answer no longer count\n"
      : result.nodes.map { "Forgot \(safe($0.nodeID)) at \(safe($0.address))\n" }.joined()
  }

  /// The keys held here. `now` is in seconds since the epoch.
  package static func keys(_ keys: [HeldKey], now: Int64) -> String {
    if keys.isEmpty { return "No keys held here\n" }
    var table = TextTable(
      ("KEY", .left), ("KIND", .left), ("SIZE", .right), ("EXPIRES IN", .right), ("SEQ", .right))
    for key in keys {
      let (left, overflow) = key.expires.subtractingReportingOverflow(now)
      table.append(
        TerminalText.escaped(key.key), key.kind.rawValue, "\(key.size)",
        overflow ? "-" : TimeSpan.text(left), "\(key.seq)")
    }
    return table.text
  }

  /// The answer to a ping.
  package static func ping(_ result: PingResult) -> String {
    "\(safe(result.nodeID)) at \(safe(result.address)) answered in \(TimeSpan.milliseconds(result.rtt))\n"
  }

  /// The nodes that answered.
  package static func bootstrap(_ result: BootstrapResult) -> String {
    result.nodes.isEmpty
      ? "No node answered; check that the nodes run and can reach this address\n"
      : result.nodes.map { "Met \(safe($0.nodeID)) at \(safe($0.address))\n" }.joined()
  }

  /// An error of the daemon on one line. For a failed quorum it lists the nodes that did not store the
  /// record.
  package static func error(_ error: ControlError) -> String {
    let message = safe(error.message)
    guard let put = error.data.put else { return message }
    let failures = put.failures.map { failure in
      "\(safe(failure.address ?? failure.nodeID ?? "this node")): \(safe(failure.reason))"
    }
    let stored = "stored at \(put.stored) of \(put.replicas)"
    return "\(message) (\(([stored] + failures).joined(separator: "; ")))"
  }

  static func safe(_ text: String) -> String { TerminalText.escaped(text) }

  private static func addresses(_ status: StatusResult) -> String {
    let others = status.addresses.filter { $0 != status.address }
    return ([status.address] + others).joined(separator: ", ")
  }

  private static func storage(_ status: StatusResult) -> String {
    let place =
      switch status.durability {
      case .disk: "on disk"
      case .memory: "in memory"
      }
    return "\(bytes(status.storageUsed)) of \(bytes(status.storageLimit)) used, \(place)"
  }

  /// The counts of dropped and refused datagrams; nil if there are none.
  private static func limits(_ status: StatusResult) -> String? {
    let parts = [
      (status.requestsRefused, "requests refused"),
      (status.requestsOverSourceLimit, "dropped of one source"),
      (status.requestsOverTotalLimit, "dropped of all"),
      (status.answersWithheld, "answers withheld"),
      (status.storesOverLimit, "stores refused"),
    ].filter { $0.0 > 0 }
    return parts.isEmpty ? nil : parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }

  private static func sealing(_ sealing: SealingStatus) -> String {
    "\(sealing.network), \(sealing.keys) \(sealing.keys == 1 ? "key" : "keys"), "
      + "\(sealing.opened) datagrams opened, \(sealing.dropped) dropped" + dropped(sealing)
  }

  /// The counts by reason: ` (3 not sealed, 1 replayed)`.
  private static func dropped(_ sealing: SealingStatus) -> String {
    let reasons = [
      (sealing.notSealed, "not sealed"), (sealing.wrongKey, "with another key or name"),
      (sealing.replayed, "replayed"),
      (sealing.untimely, "of clocks too far from ours"), (sealing.tooMany, "of too many strangers at once"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
  }

  private static func upkeep(_ status: StatusResult) -> String {
    "\(status.replications) replicated, \(status.replicationsSkipped) skipped, "
      + "\(status.republications) republished, \(status.handOffs) handed off, "
      + "\(status.replicasSent) copies sent, \(status.recordsExpired) expired"
  }

  private static func buckets(_ buckets: [BucketStatus]) -> String {
    buckets.isEmpty ? "none" : buckets.map { "\($0.index): \($0.nodes)" }.joined(separator: ", ")
  }

  /// A size with at most three digits: `512 bytes`, `20 KiB`, `896 MiB`, `12 GiB`.
  private static func bytes(_ count: Int64) -> String {
    if count < 10 << 10 { return "\(count) bytes" }
    if count < 10 << 20 { return "\(count >> 10) KiB" }
    return count < 10 << 30 ? "\(count >> 20) MiB" : "\(count >> 30) GiB"
  }

  private static func block(_ lines: [(name: String, text: String)]) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { line in
      let padding = String(repeating: " ", count: width - line.name.count)
      return "\(line.name):\(padding) \(safe(line.text))\n"
    }.joined()
  }
}
