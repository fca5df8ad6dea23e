import Kademlia
import SeededRandom
import Signatures

/// Messages of every kind, from a seed.
extension Message {
  static func random(using source: inout SplitMix64) -> Message {
    let body: Body
    switch source.below(6) {
    case 0: body = .query(.random(.ping, using: &source))
    case 1: body = .query(.random(.findNode(target: NodeID(random: &source)), using: &source))
    case 2:
      body = .query(
        .random(
          .get(
            target: NodeID(random: &source),
            kind: source.below(4) == 0 ? nil : RecordKind.allCases[source.below(3)],
            seq: .random(using: &source)), using: &source))
    case 3:
      body = .query(
        .random(
          .put(.random(using: &source), token: .random(using: &source), cas: .random(using: &source)),
          using: &source))
    case 4: body = .response(.random(using: &source))
    default: body = .error(.random(using: &source))
    }
    return Message(transaction: .random(using: &source), body: body)
  }
}

extension Query.Method {
  fileprivate var isFindNode: Bool { if case .findNode = self { true } else { false } }
}

extension Query {
  static func random(_ method: Method, using source: inout SplitMix64) -> Query {
    let asksForNodes =
      switch method {
      case .findNode, .get: true
      case .ping, .put: false
      }
    let nonce = method == .ping && source.below(2) == 0 ? Nonce(high: source.next(), low: source.next()) : nil
    return Query(
      sender: NodeID(random: &source), method: method, isReadOnly: source.below(2) == 0,
      want: asksForNodes ? AddressFamilies(rawValue: UInt8(source.below(4))) : [], nonce: nonce,
      asksForHandOff: method.isFindNode && source.below(2) == 0)
  }
}

extension Response {
  /// Short enough that nothing is left out.
  static func random(using source: inout SplitMix64) -> Response {
    if source.below(8) == 0, let owner = PublicKey(source.bytes(32)),
      let signature = Signature(source.bytes(64)),
      let seen = [Peer].random(v4: source.below(2), v6: 1, using: &source).first?.endpoint
    {
      return Response(
        sender: NodeID(random: &source),
        credentials: .proof(IdentityProof(owner: owner, signature: signature), seen: seen))
    }
    var response = Response(
      sender: NodeID(random: &source),
      nodes: .random(v4: source.below(9), v6: source.below(6), using: &source),
      token: source.below(2) == 0 ? .random(using: &source) : nil,
      keepsPlainRecords: source.below(2) == 0)
    switch source.below(4) {
    // Answers leave the salt out.
    case 0: response.held = .record(.random(upTo: 300, saltUpTo: 0, using: &source))
    case 1: response.held = .version(.random(using: &source))
    case 2: response.storedSeq = .random(using: &source)
    default:
      response.isNew = source.below(2) == 0
      if source.below(2) == 0 { response.isHandedOver = source.below(2) == 0 }
    }
    if source.below(4) == 0,
      let seen = [Peer].random(v4: source.below(2), v6: 1, using: &source).first?.endpoint
    {
      response.credentials = .seen(seen)
    }
    return response
  }
}

extension [Peer] {
  /// IPv4 nodes, then IPv6 nodes.
  static func random(v4: Int, v6: Int, using source: inout SplitMix64) -> [Peer] {
    (0..<v4 + v6).map { index in
      // The documentation prefix, so that none is IPv4 in IPv6.
      let address: IPAddress =
        index < v4
        ? .v4(UInt32(truncatingIfNeeded: source.next()))
        : .v6(0x2001_0DB8_0000_0000 | source.next() >> 32, source.next())
      return Peer(
        id: NodeID(random: &source), endpoint: Endpoint(address, port: UInt16(1 + source.below(65535))))
    }
  }
}

extension Record {
  /// A record with a payload of at most so many bytes, 2 or more.
  static func random(
    upTo limit: Int = 1000, saltUpTo maxSalt: Int = 64, using source: inout SplitMix64
  ) -> Record {
    switch RecordKind.allCases[source.below(3)] {
    case .plain: return .randomPlain(upTo: limit, using: &source)
    case .immutable:
      return Record(immutable: .randomValue(upTo: limit, using: &source), expiry: source.natural())
    case .signed:
      guard let owner = PublicKey(source.bytes(32)), let signature = Signature(source.bytes(64)) else {
        return .randomPlain(upTo: limit, using: &source)
      }
      return Record(
        signed: Authorship(owner: owner, salt: source.bytes(source.below(maxSalt + 1)), signature: signature),
        value: .randomValue(upTo: limit, using: &source), seq: source.natural(), expiry: source.natural())
    }
  }

  private static func randomPlain(upTo limit: Int, using source: inout SplitMix64) -> Record {
    let version = RecordVersion.random(using: &source)
    let keyLength = 1 + source.below(limit)
    let valueLength = version.isTombstone ? 0 : source.below(limit - keyLength + 1)
    return Record(
      plainKey: source.bytes(keyLength), value: source.bytes(valueLength), version: version)
  }
}

extension [UInt8] {
  /// A bencoded value of at most so many bytes, 16 or more.
  fileprivate static func randomValue(upTo limit: Int, using source: inout SplitMix64) -> [UInt8] {
    switch source.below(4) {
    case 0: Array("i\(Int32(truncatingIfNeeded: source.next()))e".utf8)
    case 1: Array("l1:ai7ee".utf8)
    default: SignedText.bencoded(source.bytes(source.below(limit - 4)))
    }
  }
}

extension RecordVersion {
  static func random(using source: inout SplitMix64) -> RecordVersion {
    RecordVersion(
      seq: source.natural(),
      expiry: source.natural(),
      isTombstone: source.below(4) == 0)
  }
}

extension ShortBytes {
  /// 1 to 32 bytes.
  static func random(using source: inout SplitMix64) -> ShortBytes {
    ShortBytes(source.bytes(1 + source.below(ShortBytes.capacity))) ?? ShortBytes()
  }
}

extension Int64? {
  static func random(using source: inout SplitMix64) -> Int64? {
    source.below(2) == 0 ? nil : source.natural()
  }
}

extension RPCError {
  static func random(using source: inout SplitMix64) -> RPCError {
    let texts = ["", "Generic Error", "invalid token", "größer als 1000 Bytes", "空き容量がありません"]
    return RPCError(
      Int(truncatingIfNeeded: source.next() >> UInt64(source.below(64))), texts[source.below(texts.count)])
  }
}
