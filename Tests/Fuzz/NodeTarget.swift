import NodeTime
import Signatures

@testable import Kademlia

/// A whole node among others: the input says what comes, in which order and when. Nothing that comes may
/// trap, hold an operation up for ever, or have the node keep more than it says.
func fuzzNode(_ input: UnsafeRawBufferPointer) {
  var reader = InputReader(input)
  var node = FuzzedNode(&reader)
  node.start()
  for _ in 0..<96 where !reader.isEmpty {
    node.step(&reader)
    node.carryOutEffects()
    node.checkBounds()
  }
  node.comeToRest()
}

extension FuzzedNode {
  /// Applies an event.
  mutating func step(_ reader: inout InputReader) {
    switch reader.below(16) {
    case 0: pass(.milliseconds(10 * Int(reader.byte())))
    case 1: pass(.seconds(10 * Int(reader.byte())))
    case 2, 3, 4: answerWell(reader.below(256), &reader)
    case 5: answerWithMadeUp(&reader)
    case 6: answerWithBytes(&reader)
    case 7: refuse(&reader)
    case 8: loseAnswers(reader.below(256))
    case 9: receiveBytes(reader.longString(), from: peer(&reader).endpoint)
    case 10, 11: receiveQuery(&reader)
    case 12, 13: operate(&reader)
    case 14: changeStore(reader.byte())
    default: change(&reader)
    }
  }

  // MARK: - Answers to the queries of the node

  /// A valid answer of a node.
  private mutating func answerWell(_ index: Int, _ reader: inout InputReader) {
    guard let (query, endpoint) = takeQuery(index) else { return }
    let peer = peers.first { $0.peer.endpoint == endpoint } ?? peers[0]
    var response = Response(sender: peer.peer.id)
    switch query.method {
    case .ping:
      if let nonce = query.nonce {
        let proof = IdentityProof(peer.key, nonce, for: node.localPeer, by: peer.peer.id)
        response.credentials = proof.map { .proof($0, seen: node.localPeer.endpoint) }
      }
    case .findNode: response.nodes = somePeers(&reader)
    case .get(_, let kind, _):
      response.nodes = somePeers(&reader)
      response.token = ShortBytes([1, 2, 3, 4])
      response.keepsPlainRecords = true
      if reader.below(2) == 0, let record = record(kind, &reader) { response.held = .record(record) }
    case .put(let record, _, _): response.storedSeq = record.version.seq
    }
    receive(query, .response(response), from: endpoint)
  }

  /// An answer in which anything may be.
  private mutating func answerWithMadeUp(_ reader: inout InputReader) {
    guard let (query, endpoint) = takeQuery(reader.below(256)) else { return }
    let parts = reader.byte()
    var response = Response(sender: peer(&reader).id)
    if parts & 1 != 0 { response.nodes = somePeers(&reader) }
    if parts & 2 != 0 { response.token = ShortBytes(reader.bytes(1 + reader.below(32))) }
    response.keepsPlainRecords = parts & 4 != 0
    if parts & 8 != 0 { response.held = record(nil, &reader).map { .record($0) } }
    if parts & 16 != 0 { response.storedSeq = Int64(bitPattern: reader.word()) }
    if parts & 32 != 0 {
      response.held = .version(RecordVersion(seq: seq(&reader), expiry: expiry(&reader)))
    }
    receive(query, .response(response), from: parts & 64 != 0 ? peer(&reader).endpoint : endpoint)
  }

  /// The bytes of an answer with the right transaction, and whatever in it.
  private mutating func answerWithBytes(_ reader: inout InputReader) {
    guard let (query, endpoint) = takeQuery(reader.below(256)) else { return }
    let sender = reader.below(4) == 0 ? reader.bytes(20) : peer(&reader).id.bytes
    let bytes =
      Array("d1:rd2:id20:".utf8) + sender + reader.longString() + Array("e1:t4:".utf8)
      + query.transaction.bytes + Array("1:y1:re".utf8)
    receiveBytes(bytes, from: endpoint)
  }

  private mutating func refuse(_ reader: inout InputReader) {
    guard let (query, endpoint) = takeQuery(reader.below(256)) else { return }
    let codes = [201, 202, 203, 204, 205, 206, 207, 301, 302, 400, 401, Int(reader.byte()) - 128]
    receive(query, .error(RPCError(codes[reader.below(codes.count)], "no")), from: endpoint)
  }

  // MARK: - Queries to the node

  private mutating func receiveQuery(_ reader: inout InputReader) {
    let sender = peer(&reader)
    let flags = reader.byte()
    let method: Query.Method
    switch reader.below(6) {
    case 0: method = .ping
    case 1: method = .findNode(target: peer(&reader).id)
    case 2: method = .get(target: record(nil, &reader)?.target ?? sender.id, kind: nil, seq: nil)
    case 3:
      method = .get(
        target: record(nil, &reader)?.target ?? sender.id, kind: RecordKind.allCases[reader.below(3)],
        seq: seq(&reader))
    default:
      guard let record = record(nil, &reader) else { return }
      let made = ShortBytes(reader.bytes(8))
      let token = flags & 8 == 0 ? tokens[sender.endpoint] ?? made : made
      method = .put(record, token: token ?? ShortBytes(7), cas: flags & 16 == 0 ? nil : seq(&reader))
    }
    let query = Query(
      sender: sender.id, method: method, isReadOnly: flags & 1 != 0,
      want: method.asksForNodes ? AddressFamilies(rawValue: flags >> 1 & 3) : [],
      nonce: method == .ping && flags & 32 != 0 ? Nonce(high: reader.word(), low: 0) : nil)
    let message = Message(transaction: ShortBytes(UInt32(flags)), body: .query(query))
    receiveBytes(message.written, from: sender.endpoint)
  }

  // MARK: - What its user does

  private mutating func operate(_ reader: inout InputReader) {
    let client = ClientID(rawValue: UInt64(reader.below(3)))
    let key = [reader.byte() & 7]
    let choice = reader.below(10)
    let ifSeq = reader.below(3) == 0 ? seq(&reader) : nil
    let (signer, value) = (peers[reader.below(peers.count)], [UInt8](reader.string()))
    let name: RecordName = .signed(signer.key.publicKey, salt: key)
    let others = (0..<reader.below(4)).map { _ in peer(&reader) }
    begin { node, now throws(OperationRefusal) in
      switch choice {
      case 0: try node.put(now, key: key, value: value, ifSeq: ifSeq, for: client)
      case 1: try node.put(now, immutable: bencoded(value), for: client)
      case 2:
        try node.put(
          now, value: bencoded(value), salt: key, signedBy: signer.key, ifSeq: ifSeq, for: client)
      case 3: try node.delete(now, key: key, for: client)
      case 4: try node.get(now, key: key, maxAge: Int64(value.count), isTraced: true, for: client)
      case 5: try node.get(now, name, isGuarded: value.isEmpty, for: client)
      case 6: try node.get(now, .immutable(NodeID(sha1Of: bencoded(value))), for: client)
      case 7: try node.lookup(now, key: key, for: client)
      case 8: try node.ping(now, others.first?.endpoint ?? signer.peer.endpoint)
      default: try node.bootstrap(now, others.map(\.endpoint))
      }
    }
    if choice == 9, value.count > 4 { leave(client) }
  }

  private mutating func change(_ reader: inout InputReader) {
    switch reader.below(4) {
    case 0: adopt(isTight: reader.below(2) == 0)
    case 1: setBack(.seconds(Int(Int8(bitPattern: reader.byte()))))
    case 2: changeBootstrap(isConfigured: reader.below(2) == 0)
    default: leave(ClientID(rawValue: UInt64(reader.below(3))))
    }
  }

  // MARK: - What messages are made of

  /// An existing node, or an invented one.
  private func peer(_ reader: inout InputReader) -> Peer {
    let choice = reader.byte()
    let known = peers[Int(choice) % peers.count].peer
    switch choice >> 6 {
    // Another node at its address, and the same node at another.
    case 2: return Peer(id: madeUpID(&reader), endpoint: known.endpoint)
    case 3: return Peer(id: choice & 1 == 0 ? known.id : madeUpID(&reader), endpoint: madeUpEndpoint(&reader))
    default: return known
    }
  }

  private func somePeers(_ reader: inout InputReader) -> [Peer] {
    (0..<reader.below(12)).map { _ in peer(&reader) }
  }

  /// Of the same few bits, so that buckets fill up.
  private func madeUpID(_ reader: inout InputReader) -> NodeID {
    let bits = reader.byte()
    return NodeID(
      high: node.id.high ^ 1 << UInt64(bits & 63) ^ UInt64(bits), middle: node.id.middle,
      low: UInt32(reader.byte()))
  }

  private func madeUpEndpoint(_ reader: inout InputReader) -> Endpoint {
    let bits = reader.byte()
    let address: IPAddress =
      bits & 7 == 0 ? .v6(0x2001_0DB8 << 32, UInt64(bits)) : .v4(0xC633_6400 | UInt32(bits))
    return Endpoint(address, port: 1 + UInt16(reader.byte() & 3))
  }

  private func seq(_ reader: inout InputReader) -> Int64 {
    let choice = reader.byte()
    switch choice >> 6 {
    case 0: return Int64(choice)
    case 1: return now.wall.microseconds + Int64(choice & 63) * 20_000_000
    case 2: return Int64.max - Int64(choice & 1)
    default: return Int64(reader.word() >> 1)
    }
  }

  private func expiry(_ reader: inout InputReader) -> Int64 {
    let choice = reader.byte()
    switch choice >> 6 {
    case 0: return Int64(choice & 1)
    case 1, 2: return now.wall.seconds + Int64(choice & 127) * 600
    default: return Int64(reader.word() >> 1)
    }
  }

  private func record(_ kind: RecordKind?, _ reader: inout InputReader) -> Record? {
    let choice = reader.byte()
    let kind = kind ?? RecordKind.allCases[Int(choice) % 3]
    let (seq, expiry) = (seq(&reader), expiry(&reader))
    let content = reader.bytes(Int(choice >> 4))
    switch kind {
    case .plain:
      let isTombstone = choice & 8 != 0
      return Record(
        plainKey: [reader.byte() & 7], value: isTombstone ? [] : content,
        version: RecordVersion(seq: seq, expiry: expiry, isTombstone: isTombstone))
    case .immutable: return Record(immutable: bencoded(content), expiry: expiry)
    case .signed:
      let (key, salt, value) = (
        peers[reader.below(peers.count)].key, [reader.byte() & 7], bencoded(content)
      )
      // Some are forged.
      let text = SignedText.of(salt: salt, seq: seq &+ (choice & 8 == 0 ? 0 : 1), value: value)
      return key.signature(of: text).map {
        Record(
          signed: Record.Authorship(owner: key.publicKey, salt: salt, signature: $0), value: value,
          seq: seq, expiry: expiry)
      }
    }
  }
}
