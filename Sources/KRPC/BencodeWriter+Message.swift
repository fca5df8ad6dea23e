import Kademlia
import Signatures

/// The keys of every dictionary are written in ascending order: `a`, `e`, `q`, `r`, `ro`, `t`, `v`,
/// `y`, and so on inside. A fragment ends where the next variable value begins.
extension BencodeWriter {
  /// The nodes that an answer is written with.
  private enum Nodes {
    case all, v4, none
  }

  /// Writes a message.
  mutating func write(_ message: Message) {
    write(message, with: .all)
    // Few answers do not fit a datagram with all their nodes, and writing these again costs less than
    // measuring every answer first.
    guard case .response(let response) = message.body, !response.nodes.isEmpty else { return }
    if isOverfull || count > KRPC.maxDatagramSize { rewrite(message, with: .v4) }
    if isOverfull || count > KRPC.maxDatagramSize { rewrite(message, with: .none) }
  }

  private mutating func rewrite(_ message: Message, with nodes: Nodes) {
    removeAll()
    write(message, with: nodes)
  }

  private mutating func write(_ message: Message, with nodes: Nodes) {
    switch message.body {
    case .query(let query):
      write(query)
      endBody(message.transaction)
      raw("1:qe")
    case .response(let response):
      write(response, with: nodes)
      endBody(message.transaction)
      raw("1:re")
    case .error(let error):
      write(error)
      if error.longTransaction.isEmpty {
        endBody(message.transaction)
      } else {
        raw("1:t")
        string(error.longTransaction)
        endTransaction()
      }
      raw("1:ee")
    }
  }

  /// Writes the part after the body, up to `y`.
  private mutating func endBody(_ transaction: TransactionID) {
    raw("1:t")
    string(transaction)
    endTransaction()
  }

  private mutating func endTransaction() {
    // `v`: dh, version 0.1.
    raw("1:v4:dh\u{0}\u{1}1:y")
  }

  // MARK: - Queries

  private mutating func write(_ query: Query) {
    raw("d1:ad")
    switch query.method {
    case .ping:
      write("2:id", query.sender)
      if let nonce = query.nonce {
        raw("5:nonce")
        string(ShortBytes((nonce.high, nonce.low, 0, 0), count: Nonce.byteCount))
      }
      raw("e1:q4:ping")
    case .findNode(let target):
      if query.asksForHandOff { raw("6:handedi1e") }
      write("2:id", query.sender)
      write("6:target", target)
      write(query.want)
      raw("e1:q9:find_node")
    case .get(let target, let kind, let seq):
      write("2:id", query.sender)
      switch kind {
      case .plain: raw("4:kind5:plain")
      case .immutable: raw("4:kind9:immutable")
      case .signed: raw("4:kind6:signed")
      case nil: break
      }
      write("3:seq", seq)
      write("6:target", target)
      write(query.want)
      raw("e1:q3:get")
    case .put(let record, let token, let cas):
      write("3:cas", cas)
      write(query.sender, among: record.version)
      writeKey(of: record)
      if case .signed(let authorship) = record.binding, !authorship.salt.isEmpty {
        raw("4:salt")
        string(authorship.salt)
      }
      writeSeq(of: record)
      raw("5:token")
      string(token)
      writeValue(of: record)
      raw("e1:q3:put")
    }
    if query.isReadOnly { raw("2:roi1e") }
  }

  private mutating func write(_ want: AddressFamilies) {
    guard !want.isEmpty else { return }
    raw("4:wantl")
    if want.contains(.v4) { raw("2:n4") }
    if want.contains(.v6) { raw("2:n6") }
    raw("e")
  }

  // MARK: - Answers

  private mutating func write(_ response: Response, with nodes: Nodes) {
    let held = response.held
    switch response.credentials {
    case nil: raw("d1:rd")
    case .seen(let seen):
      raw("d2:ip")
      string(seen)
      raw("1:rd")
    case .proof(let proof, let seen):
      raw("d2:ip")
      string(seen)
      raw("1:rd2:id")
      string(response.sender)
      raw("1:k")
      string(proof.owner.bytes)
      raw("3:sig")
      string(proof.signature.bytes)
      raw("e")
      return
    }
    if let held {
      write(response.sender, among: held.version)
    } else {
      if let isHandedOver = response.isHandedOver { raw(isHandedOver ? "6:handedi1e" : "6:handedi0e") }
      write("2:id", response.sender)
    }
    if case .record(let record) = held { writeKey(of: record) }
    if response.keepsPlainRecords { raw("2:kvi1e") }
    if !response.lost.isEmpty {
      raw("4:lost")
      string(response.lost)
    }
    if response.isNew { raw("3:newi1e") }
    if nodes != .none { write(response.nodes, areV4Only: nodes == .v4) }
    if case .record(let record) = held {
      writeSeq(of: record)
    } else {
      write("3:seq", held?.version.seq ?? response.storedSeq)
    }
    if let token = response.token {
      raw("5:token")
      string(token)
    }
    if case .record(let record) = held { writeValue(of: record) }
    raw("e")
  }

  /// `nodes` and `nodes6`, each if there is a node of its family.
  private mutating func write(_ peers: [Peer], areV4Only: Bool) {
    var count = 0
    for peer in peers {
      if case .v4 = peer.endpoint.address { count += 1 }
    }
    if count > 0 {
      raw("5:nodes")
      string(peers, of: .v4, count: count)
    }
    if count < peers.count, !areV4Only {
      raw("6:nodes6")
      string(peers, of: .v6, count: peers.count - count)
    }
  }

  private mutating func write(_ error: RPCError) {
    raw("d1:el")
    integer(error.code)
    string(error.message.truncated(toUTF8: KRPC.maxErrorText))
    raw("e")
  }

  // MARK: - Parts

  /// `id` among the parts of a version: `del` and `exp` go before it, `seq` long after.
  private mutating func write(_ sender: NodeID, among version: RecordVersion) {
    if version.isTombstone { raw("3:deli1e") }
    write("3:exp", version.expiry)
    write("2:id", sender)
  }

  /// `key` of a plain record, `k` of a signed one.
  private mutating func writeKey(of record: Record) {
    switch record.binding {
    case .plain(let key):
      raw("3:key")
      string(key)
    case .immutable: break
    case .signed(let authorship):
      raw("1:k")
      string(authorship.owner.bytes)
    }
  }

  /// `seq`, and `sig` of a signed record. An immutable one has neither (BEP 44).
  private mutating func writeSeq(of record: Record) {
    switch record.binding {
    case .plain: write("3:seq", record.version.seq)
    case .immutable: break
    case .signed(let authorship):
      write("3:seq", record.version.seq)
      raw("3:sig")
      string(authorship.signature.bytes)
    }
  }

  /// `v`: a plain record's is a byte string, and others' are bencoded already.
  private mutating func writeValue(of record: Record) {
    raw("1:v")
    if case .plain = record.binding { string(record.value) } else { raw(record.value) }
  }

  @inline(__always)
  private mutating func write(_ key: StaticString, _ id: NodeID) {
    raw(key)
    string(id)
  }

  @inline(__always)
  private mutating func write(_ key: StaticString, _ number: Int64?) {
    guard let number else { return }
    raw(key)
    integer(number)
  }
}
