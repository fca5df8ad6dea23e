import ControlProtocol
import FoundationEssentials
import Testing

@Suite("Results and errors")
struct ResultTests {
  static var status: StatusResult {
    var status = StatusResult()
    status.nodeID = target
    status.address = "127.0.0.1:8001"
    status.addresses = ["127.0.0.1:8001", "[::1]:8001"]
    status.state = .ready
    status.buckets = [BucketStatus(index: 0, nodes: 8)]
    status.latency = 1.25
    status.durability = .disk
    status.storageLimit = .max
    return status
  }

  static var privateStatus: StatusResult {
    var status = status
    var sealing = SealingStatus(network: "ours")
    (sealing.keys, sealing.sessions, sealing.opened) = (2, 3, .max)
    (sealing.notSealed, sealing.wrongKey, sealing.replayed) = (4, 5, 6)
    (sealing.untimely, sealing.tooMany) = (7, 8)
    status.sealing = sealing
    return status
  }

  static let keyring = KeyringResult(
    network: "ours",
    keys: [
      KeyInRing(fingerprint: "0123456789ab", seals: true),
      KeyInRing(fingerprint: "ba9876543210", seals: false),
    ], path: "/etc/keys")

  static let results: [(ControlMethod, ControlResult)] = [
    (.put, .put(putResult)), (.delete, .delete(putResult)),
    (.get, .get(GetResult(value: Array("välue".utf8), seq: .max, expires: 1, target: target))),
    (.get, .get(GetResult(value: [0xFF, 0x00], seq: 9_007_199_254_740_993, expires: 1, target: target))),
    (.get, .get(GetResult(value: [], seq: 0, expires: 1, target: target))),
    (.get, .get(GetResult(value: [0x76], seq: 1, expires: 2, target: target, steps: steps))),
    (.get, .get(GetResult(value: [0xFF], seq: 1, expires: 2, target: target, age: 0, steps: []))),
    (.status, .status(StatusResult())), (.status, .status(status)), (.status, .status(privateStatus)),
    (.keyringList, .keyring(keyring)), (.keyringUse, .keyring(keyring)),
    (
      .keyringAdd,
      .keyring(KeyringResult(network: "n", keys: [], path: "", saved: false, note: "change the file"))
    ),
    (
      .peers,
      .peers(
        PeersResult(peers: [
          ControlPeer(
            nodeID: target, address: "a:1", bucket: 3, rtt: nil, age: 1, lastSeen: 2, state: .questionable),
          ControlPeer(
            nodeID: target, address: "a:1", addresses: ["a:1", "[::1]:1"], bucket: 3, rtt: 0.25, age: 1,
            lastSeen: 2, state: .good),
        ]))
    ),
    (
      .keys,
      .keys(
        KeysResult(
          keys: [
            HeldKey(key: [0xFE], target: target, seq: .max, expires: 2, size: 3),
            HeldKey(key: Array("k".utf8), target: target, seq: 1, expires: 2, size: 0),
          ], cursor: "next"))
    ),
    (.keys, .keys(KeysResult(keys: [], cursor: nil))),
    (
      .lookup,
      .lookup(
        LookupResult(
          target: target, closest: [LookupNode(nodeID: target, address: "a:1", rtt: 1.5)],
          steps: [LookupStep(hop: 0, nodeID: target, address: "a:1", outcome: "timed_out")]))
    ),
    (
      .lookup,
      .lookup(
        LookupResult(
          target: target,
          closest: steps.map { LookupNode(nodeID: $0.nodeID, address: $0.address, held: $0.held) },
          steps: steps))
    ),
    (.ping, .ping(PingResult(nodeID: target, address: "a:1", rtt: 0.3))),
    (.bootstrap, .bootstrap(BootstrapResult(nodes: [MetNode(nodeID: target, address: "a:1")]))),
    (.forget, .forget(ForgetResult(nodes: [MetNode(nodeID: target, address: "a:1")]))),
    (
      .peers,
      .peers(PeersResult(peers: [], silent: [SilentPeer(nodeID: target, address: "a:1", silentFor: 7)]))
    ),
    (
      .put,
      .put(
        PutResult(
          target: target, seq: 2, replaced: 1, expires: 3, stored: 1, replicas: 4, silent: 1, refused: 1,
          pending: 1,
          isWeak: true))
    ),
  ]

  @Test("every result survives a round trip through its line", arguments: results)
  func roundTrips(_ method: ControlMethod, _ result: ControlResult) throws {
    #expect(try roundTrip(.success(result), method).outcome.get() == result)
  }

  @Test("the members have the names of the contract, and unknown values are null")
  func names() {
    #expect(
      text(.put(putResult)) == """
        {"id":1,"jsonrpc":"2.0","result":{"expires":1800000000,"failures":[\
        {"address":"192.0.2.7:8001","node_id":"\(target)","reason":"timed_out"},{"reason":"storage_full"}],\
        "pending":0,"refused":0,"replicas":3,"seq":9007199254740993,"silent":0,"stored":1,"target":"\(target)",\
        "weak":false}}

        """)
    #expect(
      text(.get(GetResult(value: [0xFF], seq: 1, expires: 2, target: target)))
        == #"{"id":1,"jsonrpc":"2.0","result":{"expires":2,"seq":1,"target":"\#(target)","unconfirmed":false,"value_base64":"/w=="}}"#
        + "\n")
    #expect(
      text(.status(StatusResult())) == """
        {"id":1,"jsonrpc":"2.0","result":{"address":"","addresses":[],"answers_withheld":0,"buckets":[],"cached_bytes":0,\
        "cached_keys":0,"datagrams_dropped":0,"datagrams_malformed":0,"durability":"memory",\
        "gets_failed":0,"gets_not_found":0,"gets_ok":0,"hand_offs":0,"known_nodes":0,\
        "latency":null,"node_id":"","pending_operations":0,"proofs_accepted":0,"proofs_refused":0,"publications_failed":0,"published_keys":0,"puts_failed":0,"puts_ok":0,\
        "queries_answered":0,"queries_resent":0,"queries_sent":0,"queries_timed_out":0,\
        "record_key":"","records_damaged":0,"records_expired":0,"records_forged":0,"records_refused":0,"records_stored":0,"repairs_sent":0,\
        "replicas_sent":0,"replications":0,"replications_skipped":0,"republications":0,\
        "requests_over_source_limit":0,"requests_over_total_limit":0,"requests_refused":0,\
        "responses_received":0,"state":"joining","storage_limit":0,"storage_used":0,"stored_bytes":0,\
        "stored_keys":0,"stored_tombstones":0,"stores_over_limit":0,"stray_answers":0,"uptime":0,"version":""}}

        """)
    #expect(text(.status(Self.status)).contains(#""buckets":[{"index":0,"nodes":8}]"#))
    #expect(text(.status(Self.status)).contains(#""durability":"disk""#))
    #expect(
      text(.status(Self.privateStatus)).contains(
        """
        "sealing":{"keys":2,"network":"ours","not_sealed":4,"opened":9223372036854775807,"replayed":6,\
        "sessions":3,"too_many":8,"untimely":7,"wrong_key":5}
        """))
    #expect(
      text(.keyring(Self.keyring)) == """
        {"id":1,"jsonrpc":"2.0","result":{"keys":[{"fingerprint":"0123456789ab","seals":true},\
        {"fingerprint":"ba9876543210","seals":false}],"network":"ours","path":"/etc/keys","saved":true}}

        """)
    let peer = ControlPeer(
      nodeID: "n", address: "a:1", bucket: 3, rtt: nil, age: 1, lastSeen: 2, state: .good)
    #expect(
      text(.peers(PeersResult(peers: [peer]))).contains(
        #"{"address":"a:1","age":1,"bucket":3,"last_seen":2,"node_id":"n","proven":false,"rtt":null,"state":"good"}"#
      ))
    let key = HeldKey(key: [0x6B], target: "t", seq: 1, expires: 2, size: 3)
    #expect(
      text(.keys(KeysResult(keys: [key], cursor: nil))).contains(
        #"{"cursor":null,"keys":[{"expires":2,"key":"k","seq":1,"size":3,"target":"t"}]}"#))
    let step = LookupStep(hop: 1, nodeID: "n", address: "a:1", rtt: 2, outcome: "answered")
    #expect(
      text(.lookup(LookupResult(target: "t", closest: [], steps: [step]))).contains(
        #"{"closest":[],"steps":[{"address":"a:1","hop":1,"node_id":"n","outcome":"answered","rtt":2}],"#))
    let held = HeldVersion(seq: 1, expires: 2, deleted: true)
    let node = LookupNode(nodeID: "n", address: "a:1", held: held)
    #expect(
      text(.lookup(LookupResult(target: "t", closest: [node], steps: []))).contains(
        #"{"closest":[{"address":"a:1","held":{"deleted":true,"expires":2,"seq":1},"node_id":"n"}],"#))
    #expect(
      text(.get(GetResult(value: [], seq: 1, expires: 2, target: "t", age: 12, steps: []))).contains(
        #"{"age":12,"expires":2,"seq":1,"steps":[],"target":"t","unconfirmed":false,"value":""}"#))
    #expect(
      text(.ping(PingResult(nodeID: "n", address: "a:1", rtt: 2))).contains(
        #"{"address":"a:1","node_id":"n","rtt":2}"#))
    #expect(
      text(.bootstrap(BootstrapResult(nodes: [MetNode(nodeID: "n", address: "a:1")]))).contains(
        #"{"nodes":[{"address":"a:1","node_id":"n"}]}"#))
  }

  @Test("the largest page of the longest keys is no longer than a client reads", arguments: [0x01, 0xFF])
  func longestPage(byte: UInt8) {
    let key = HeldKey(
      key: Array(repeating: byte, count: 1_000), target: target, seq: .max, expires: .max, size: 0)
    let page = KeysResult(
      keys: Array(repeating: key, count: Int(ControlLimits.maxKeysPage)),
      cursor: String(repeating: "ff", count: 1_000))
    #expect(text(.keys(page)).utf8.count <= ControlLimits.maxAnswerBytes)
  }

  @Test("the codes and their reasons are those of the contract")
  func codes() {
    let codes: [(ControlErrorCode, Int, String)] = [
      (.parseError, -32700, "parse_error"), (.invalidRequest, -32600, "invalid_request"),
      (.methodNotFound, -32601, "method_not_found"), (.invalidParams, -32602, "invalid_params"),
      (.notFound, 1, "not_found"), (.quorumFailed, 2, "quorum_failed"), (.conflict, 3, "conflict"),
      (.tooLarge, 4, "too_large"), (.unreachable, 5, "unreachable"), (.busy, 6, "busy"),
      (.storageFull, 7, "storage_full"),
    ]
    for (code, number, word) in codes {
      #expect(code.rawValue == number)
      #expect(ControlError(code, "").data.reason == word)
    }
  }

  @Test("a failed quorum lists the nodes that stored the record, and a conflict has the current version")
  func errorData() throws {
    let quorum = ControlError(.quorumFailed, "try again", put: putResult)
    #expect(try roundTrip(.failure(quorum), .put).outcome == .failure(quorum))
    let line = ControlCodec.encode(ControlResponse(id: .null, outcome: .failure(quorum)))
    let text = String(decoding: line, as: UTF8.self)
    #expect(
      text.contains(
        #""reason":"quorum_failed","refused":0,"replicas":3,"seq":9007199254740993,"silent":0,"stored":1"#))

    let conflict = ControlError(.conflict, "read it again", seq: .max)
    #expect(try roundTrip(.failure(conflict), .put).outcome == .failure(conflict))
  }

  @Test(
    "a failed get has its steps if they were requested",
    arguments: [ControlErrorCode.notFound, .unreachable])
  func errorSteps(_ code: ControlErrorCode) throws {
    let traced = ControlError(code, "try again", steps: steps)
    #expect(try roundTrip(.failure(traced), .get).outcome == .failure(traced))
    let untold = ControlError(code, "try again", steps: [])
    #expect(try roundTrip(.failure(untold), .get).outcome == .failure(untold))
    let plain = ControlCodec.encode(
      ControlResponse(id: .null, outcome: .failure(ControlError(code, "try again"))))
    #expect(!String(decoding: plain, as: UTF8.self).contains("steps"))
  }

  @Test("an error with an unknown code and without data is decoded")
  func bareErrors() throws {
    let line = #"{"jsonrpc":"2.0","id":null,"error":{"code":99,"message":"new"}}"#
    let response = try ControlCodec.decodeResponse(Array(line.utf8)) { _ in nil }
    #expect(response.id == .null)
    #expect(response.outcome == .failure(ControlError(ControlErrorCode(rawValue: 99), "new")))
  }

  @Test(
    "a line that does not answer a request is an error",
    arguments: [
      "", "{", "[]", #"{"id":7}"#, #"{"id":8,"result":{}}"#, #"{"id":7,"result":{}}"#,
      #"{"id":7,"result":null}"#,
      #"{"id":7,"error":{}}"#, #"{"result":{}}"#,
    ])
  func faults(_ line: String) {
    #expect(throws: ResponseFault.self) {
      try ControlCodec.decodeResponse(Array(line.utf8)) { $0 == .integer(7) ? .status : nil }
    }
  }

  @Test("a number that JSON cannot write becomes an internal error")
  func infinity() throws {
    let endless = ControlResult.ping(PingResult(nodeID: target, address: "a:1", rtt: .infinity))
    guard case .failure(let error) = try roundTrip(.success(endless), .ping).outcome else {
      Issue.record("no error")
      return
    }
    #expect(error.code == .internalError)
  }
}
