import Kademlia

extension Query {
  /// Reads a query.
  ///
  /// - Parameters:
  ///   - name: `q`, a string.
  ///   - arguments: `a`.
  /// - Throws: the first argument that is not as it has to be. Arguments that the method does not
  ///   have are not looked at.
  init(
    _ name: BencodeValue, _ arguments: Fields, isReadOnly: Bool, in bytes: RawSpan
  ) throws(MalformedMessage.Reason) {
    let known = MethodName(name, in: bytes)
    guard arguments.isPresent else {
      throw known == nil || known == .announcePeer ? .unknownMethod : .noFields
    }
    let method: Method
    var want = AddressFamilies(rawValue: 0)
    var nonce: Nonce?
    var asksForHandOff = false
    switch known {
    case .ping:
      method = .ping
      nonce = try arguments.optionalNonce(in: bytes)
    case .findNode:
      method = .findNode(target: try arguments.neededTarget(in: bytes))
      asksForHandOff = arguments.handed?.isOne(in: bytes) ?? false
      want = try arguments.wantedFamilies(in: bytes)
    case .get:
      method = .get(
        target: try arguments.neededTarget(in: bytes),
        kind: try arguments.recordKindAsked(in: bytes),
        seq: try arguments.optionalNatural(arguments.seq, .seq, in: bytes))
      want = try arguments.wantedFamilies(in: bytes)
    case .put:
      method = .put(
        try arguments.record(in: bytes), token: try arguments.neededToken(in: bytes),
        cas: try arguments.optionalNatural(arguments.cas, .cas, in: bytes))
    case .announcePeer:
      // The nodes near a target would look like a confirmation that the peer was stored.
      throw .unknownMethod
    case nil:
      // A method of another time or another network: routing helps it along all the same (BEP 5).
      guard
        let target = arguments.target?.nodeID(in: bytes) ?? arguments.infoHash?.nodeID(in: bytes)
      else { throw .unknownMethod }
      method = .findNode(target: target)
      want = try arguments.wantedFamilies(in: bytes)
    }
    self.init(
      sender: try arguments.sender(in: bytes), method: method, isReadOnly: isReadOnly, want: want,
      nonce: nonce, asksForHandOff: asksForHandOff)
  }
}

/// The methods that are known by name.
private enum MethodName {
  case ping, findNode, get, put, announcePeer

  init?(_ name: BencodeValue, in bytes: RawSpan) {
    switch name.word(in: bytes) {
    case keyWord("get"): self = .get
    case keyWord("put"): self = .put
    case keyWord("ping"): self = .ping
    default:
      if name.isString("find_node", in: bytes) {
        self = .findNode
      } else if name.isString("announce_peer", in: bytes) {
        self = .announcePeer
      } else {
        return nil
      }
    }
  }
}

extension Fields {
  fileprivate func neededTarget(in bytes: RawSpan) throws(Reason) -> NodeID {
    guard let target else { throw .missing(.target) }
    guard let id = target.nodeID(in: bytes) else { throw .invalid(.target) }
    return id
  }

  fileprivate func neededToken(in bytes: RawSpan) throws(Reason) -> WriteToken {
    guard let token else { throw .missing(.token) }
    guard let short = token.shortBytes(in: bytes) else { throw .invalid(.token) }
    return short
  }

  fileprivate func optionalNonce(in bytes: RawSpan) throws(Reason) -> Nonce? {
    guard let nonce else { return nil }
    guard nonce.stringLength == Nonce.byteCount else { throw .invalid(.nonce) }
    return Nonce(
      high: bytes.bigEndian(at: nonce.start, as: UInt64.self),
      low: bytes.bigEndian(at: nonce.start + 8, as: UInt64.self))
  }

  fileprivate func recordKindAsked(in bytes: RawSpan) throws(Reason) -> RecordKind? {
    guard let kind else { return nil }
    for known in RecordKind.allCases where kind.isString(known.word, in: bytes) { return known }
    throw .invalid(.kind)
  }

  /// The families of `want` (BEP 32). The field is only a wish: a `want` that is not a list, and unknown
  /// items of the list, are ignored.
  fileprivate func wantedFamilies(in bytes: RawSpan) throws(Reason) -> AddressFamilies {
    var families = AddressFamilies(rawValue: 0)
    guard let want, want.form == .list else { return families }
    var reader = BencodeReader(at: want.start)
    while reader.position < want.end {
      let item = try reader.value(in: bytes, depth: 1)
      guard item.form == .string else { continue }
      switch item.word(in: bytes) {
      case keyWord("n4"): families.insert(.v4)
      case keyWord("n6"): families.insert(.v6)
      default: continue
      }
    }
    return families
  }
}
