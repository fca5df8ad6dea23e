import Foundation

/// A node of another implementation, in the same network: libtorrent's, driven line by line.
struct LibtorrentPeer {
  /// True if Debian's python3-libtorrent is there.
  static let isInstalled = modules.contains { $0.hasPrefix("libtorrent.") && $0.hasSuffix(".so") }

  private static var modules: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/python3/dist-packages")) ?? []
  }

  private let process: ChildProcess

  /// Starts one, and waits until it knows some nodes.
  init(_ network: LocalNetwork, bootstrap: DaemonProcess) throws {
    try network.write(Array(Self.program.utf8), to: "libtorrent_peer.py")
    process = try network.launchTool([
      "/usr/bin/python3", network.path("libtorrent_peer.py"), String(Ports.next()), String(bootstrap.port),
    ])
    _ = try answer()
  }

  /// Does something and tells what came of it.
  func ask(_ words: String...) throws -> String {
    let before = process.output.count
    try process.feed(words.joined(separator: " ") + "\n") { process.output.dropFirst(before).contains(0x0A) }
    return try answer(after: before)
  }

  private func answer(after start: Int = 0) throws -> String {
    try process.pump(until: Deadline(within: 60)) { process.output.dropFirst(start).contains(0x0A) }
    let line = process.output.dropFirst(start).prefix { $0 != 0x0A }
    return String(decoding: line, as: UTF8.self)
  }

  private static let program = """
    import base64, hashlib, sys, time
    import libtorrent as lt

    own, bootstrap = sys.argv[1:3]
    session = lt.session({
        "listen_interfaces": "127.0.0.1:" + own, "enable_dht": True, "enable_lsd": False,
        "enable_upnp": False, "enable_natpmp": False, "dht_bootstrap_nodes": "127.0.0.1:" + bootstrap,
        "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False, "dht_enforce_node_id": False, "dht_ignore_dark_internet": False,
        # All nodes here have one address, and would be taken for a flood.
        "dht_block_ratelimit": 1000000, "dht_upload_rate_limit": 100000000,
        "alert_mask": lt.alert.category_t.all_categories,
    })

    def alert(kind, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            session.wait_for_alert(200)
            for found in session.pop_alerts():
                if isinstance(found, kind):
                    return found
        return None

    def expanded(seed):
        digest = bytearray(hashlib.sha512(seed).digest())
        digest[0] &= 248
        digest[31] &= 63
        digest[31] |= 64
        return bytes(digest)

    session.add_dht_node(("127.0.0.1", int(bootstrap)))
    end = time.time() + 20
    while session.status().dht_nodes < 3 and time.time() < end:
        session.wait_for_alert(50)
        session.pop_alerts()
    print("nodes", session.status().dht_nodes, flush=True)
    for line in sys.stdin:
        verb, *words = line.split()
        session.pop_alerts()
        answer = "none"
        if verb == "put-immutable":
            target = session.dht_put_immutable_item(lt.bdecode(base64.b64decode(words[0])))
            done = alert(lt.dht_put_alert)
            if done and done.num_success > 0:
                answer = str(target)
        elif verb == "get-immutable":
            session.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(words[0])))
            found = alert(lt.dht_immutable_item_alert)
            if found and found.item.get("value") is not None:
                answer = base64.b64encode(lt.bencode(found.item["value"])).decode()
        elif verb == "put-signed":
            session.dht_put_mutable_item(
                expanded(bytes.fromhex(words[0])), bytes.fromhex(words[1]), base64.b64decode(words[3]),
                words[2].encode())
            done = alert(lt.dht_put_alert)
            if done and done.num_success > 0:
                answer = str(done.num_success)
        elif verb == "get-signed":
            session.dht_get_mutable_item(bytes.fromhex(words[0]), words[1].encode())
            found = alert(lt.dht_mutable_item_alert)
            while found and not found.authoritative:
                found = alert(lt.dht_mutable_item_alert)
            if found and found.item.get("value") is not None:
                answer = base64.b64encode(lt.bencode(found.item["value"])).decode()
        print(answer, flush=True)
    """
}
