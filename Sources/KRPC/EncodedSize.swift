package import Kademlia
import Signatures

extension KRPC {
  /// Returns the number of bytes that `encode` would write, without writing them.
  package static func encodedSize(_ message: Message) -> Int {
    // Around the body: `1:t`, the transaction, `1:v4:dh..`, `1:y` with its letter, and the last `e`.
    var transaction = message.transaction.count
    if case .error(let error) = message.body, !error.longTransaction.isEmpty {
      transaction = error.longTransaction.count
    }
    let frame = 3 + string(transaction) + 9 + 3 + 3 + 1
    switch message.body {
    case .query(let query): return frame + size(query)
    case .error(let error):
      return frame + 5 + integer(Int64(error.code))
        + string(error.message.truncated(toUTF8: maxErrorText).utf8.count) + 1
    case .response(let response):
      let nodes = nodeEntries(response.nodes)
      let rest = frame + size(response)
      if rest + nodes.v4 + nodes.v6 <= maxDatagramSize { return rest + nodes.v4 + nodes.v6 }
      return rest + nodes.v4 <= maxDatagramSize ? rest + nodes.v4 : rest
    }
  }

  // MARK: - Bodies

  private static let id = 4 + string(NodeID.byteCount)
  private static let target = 8 + string(NodeID.byteCount)

  private static func size(_ query: Query) -> Int {
    // `d1:ad`, then the arguments.
    var size = 5 + id + (query.isReadOnly ? 7 : 0)
    switch query.method {
    case .ping: size += 10 + (query.nonce == nil ? 0 : 7 + string(Nonce.byteCount))
    case .findNode: size += target + want(query.want) + 15 + (query.asksForHandOff ? 11 : 0)
    case .get(_, let kind, let seq):
      if let kind { size += 6 + string(kind.word.utf8CodeUnitCount) }
      size += number(3, seq) + target + want(query.want) + 9
    case .put(let record, let token, let cas):
      size += number(3, cas) + version(record.version) + proof(of: record) + value(of: record)
      if case .signed(let authorship) = record.binding, !authorship.salt.isEmpty {
        size += 6 + string(authorship.salt.count)
      }
      size += 7 + string(token.count) + 9
    }
    return size
  }

  /// The size of an answer without the nodes that it names.
  private static func size(_ response: Response) -> Int {
    var size = 5 + id + 1
    switch response.credentials {
    case nil: break
    case .seen(let endpoint): size += seen(endpoint)
    case .proof(_, let endpoint):
      return size + seen(endpoint) + 3 + string(PublicKey.byteCount) + 5 + string(Signature.byteCount)
    }
    if let held = response.held { size += version(held.version) }
    if response.keepsPlainRecords { size += 7 }
    if !response.lost.isEmpty { size += 6 + string(response.lost.count * NodeID.byteCount) }
    if response.isNew { size += 8 }
    if response.isHandedOver != nil, response.held == nil { size += 11 }
    if let token = response.token { size += 7 + string(token.count) }
    if case .record(let record) = response.held {
      size += proof(of: record) + value(of: record)
    } else {
      size += number(3, response.held?.version.seq ?? response.storedSeq)
    }
    return size
  }

  /// The size of `ip`.
  private static func seen(_ endpoint: Endpoint) -> Int {
    4 + string(CompactNodes.size(endpoint.address.family) - NodeID.byteCount)
  }

  private static func nodeEntries(_ peers: [Peer]) -> (v4: Int, v6: Int) {
    var count = 0
    for peer in peers {
      if case .v4 = peer.endpoint.address { count += 1 }
    }
    let others = peers.count - count
    return (
      count > 0 ? 7 + string(count * CompactNodes.size(.v4)) : 0,
      others > 0 ? 8 + string(others * CompactNodes.size(.v6)) : 0
    )
  }

  // MARK: - Parts

  private static func want(_ families: AddressFamilies) -> Int {
    guard !families.isEmpty else { return 0 }
    return 8 + (families.contains(.v4) ? 4 : 0) + (families.contains(.v6) ? 4 : 0)
  }

  /// `del` and `exp`.
  private static func version(_ version: RecordVersion) -> Int {
    number(3, version.expiry) + (version.isTombstone ? 8 : 0)
  }

  /// The size of the fields that show that a record belongs where it is, and of its seq.
  private static func proof(of record: Record) -> Int {
    switch record.binding {
    case .plain(let key): 5 + string(key.count) + number(3, record.version.seq)
    case .immutable: 0
    case .signed:
      3 + string(PublicKey.byteCount) + number(3, record.version.seq) + 5 + string(Signature.byteCount)
    }
  }

  private static func value(of record: Record) -> Int {
    if case .plain = record.binding { 3 + string(record.value.count) } else { 3 + record.value.count }
  }

  /// The size of a number with a key of `keyLength` letters; 0 if there is no number.
  private static func number(_ keyLength: Int, _ number: Int64?) -> Int {
    number.map { 2 + keyLength + integer($0) } ?? 0
  }

  private static func integer(_ number: Int64) -> Int {
    digits(number.magnitude) + (number < 0 ? 3 : 2)
  }

  private static func string(_ length: Int) -> Int { digits(UInt64(length)) + 1 + length }

  private static func digits(_ number: UInt64) -> Int {
    var count = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }
}
