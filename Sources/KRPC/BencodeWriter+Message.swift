import Kademlia

/// The keys of every dictionary are written in ascending order: `a`, `e`, `q`, `r`, `ro`, `t`, `v`,
/// `y`, and so on inside. A fragment ends where the next variable value begins.
extension BencodeWriter {
  /// Where the nodes of an answer stand, with their keys: what can be left out.
  private struct NodeEntries {
    var nodes: Range<Int>
    var nodes6: Range<Int>
  }

  /// Appends a message.
  mutating func write(_ message: Message) {
    let start = bytes.count
    var entries: NodeEntries?
    switch message.body {
    case .query(let query): write(query)
    case .response(let response): entries = write(response)
    case .error(let error): write(error)
    }
    raw("1:t")
    string(message.transaction)
    // `v`: dh, version 0.1.
    raw("1:v4:dh\u{0}\u{1}1:y")
    switch message.body {
    case .query: raw("1:qe")
    case .response: raw("1:re")
    case .error: raw("1:ee")
    }
    if let entries { fit(entries, from: start) }
  }

  /// Takes out `nodes6`, then `nodes`, while the message is too long for a datagram. It is rare, and
  /// moving the few hundred bytes behind them costs less than measuring every answer first.
  private mutating func fit(_ entries: NodeEntries, from start: Int) {
    if bytes.count - start > KRPC.maxDatagramSize { bytes.removeSubrange(entries.nodes6) }
    if bytes.count - start > KRPC.maxDatagramSize { bytes.removeSubrange(entries.nodes) }
  }

  // MARK: - Queries

  private mutating func write(_ query: Query) {
    raw("d1:ad")
    switch query.method {
    case .ping:
      write("2:id", query.sender)
      raw("e1:q4:ping")
    case .findNode(let target):
      write("2:id", query.sender)
      write("6:target", target)
      write(query.want)
      raw("e1:q9:find_node")
    case .get(let target, let kind, let seq):
      write("2:id", query.sender)
      switch kind {
      case .plain: raw("4:kind5:plain")
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
      write("3:seq", record.version.seq)
      raw("5:token")
      string(token)
      raw("1:v")
      string(record.value)
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

  private mutating func write(_ response: Response) -> NodeEntries {
    raw("d1:rd")
    let held = response.held
    if let held {
      write(response.sender, among: held.version)
    } else {
      write("2:id", response.sender)
    }
    if case .record(let record) = held { writeKey(of: record) }
    if response.keepsPlainRecords { raw("2:kvi1e") }
    let entries = writeNodes(response.nodes)
    write("3:seq", held?.version.seq ?? response.storedSeq)
    if let token = response.token {
      raw("5:token")
      string(token)
    }
    if case .record(let record) = held {
      raw("1:v")
      string(record.value)
    }
    raw("e")
    return entries
  }

  /// `nodes` and `nodes6`, each if there is a node of its family.
  private mutating func writeNodes(_ peers: [Peer]) -> NodeEntries {
    var count = 0
    for peer in peers {
      if case .v4 = peer.endpoint.address { count += 1 }
    }
    let start = bytes.count
    if count > 0 {
      raw("5:nodes")
      string(peers, of: .v4, count: count)
    }
    let middle = bytes.count
    if peers.count > count {
      raw("6:nodes6")
      string(peers, of: .v6, count: peers.count - count)
    }
    return NodeEntries(nodes: start..<middle, nodes6: middle..<bytes.count)
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

  /// `key` of a plain record.
  private mutating func writeKey(of record: Record) {
    switch record.binding {
    case .plain(let key):
      raw("3:key")
      string(key)
    }
  }

  private mutating func write(_ key: StaticString, _ id: NodeID) {
    raw(key)
    string(id)
  }

  private mutating func write(_ key: StaticString, _ number: Int64?) {
    guard let number else { return }
    raw(key)
    integer(number)
  }
}
