/// The writes of a test and their confirmations: the values that a reader must find or may find.
///
/// Every value is written once, so that a value identifies its write.
struct Promises {
  private struct Key {
    /// The last write that was confirmed.
    var seq: Int64 = -1
    var value = ""
    /// Writes without a confirmation, which may or may not have been stored.
    var unknown: Set<String> = []
    /// Values that were confirmed with the same seq, by writers at the same moment: one of them won.
    var rivals: Set<String> = []
  }

  private var byKey: [String: Key] = [:]
  private(set) var confirmed = 0

  /// All keys that were written.
  var keys: [String] { byKey.keys.sorted() }

  /// Records the start of a write, whose outcome is unknown until it is confirmed.
  mutating func began(_ key: String, _ value: String) { byKey[key, default: Key()].unknown.insert(value) }

  /// Notes what became of a write.
  /// - Parameter answer: of the control socket.
  mutating func ended(_ key: String, _ value: String, _ answer: JSON) {
    guard let seq = answer["result"]["seq"].integer else { return }
    confirmed += 1
    byKey[key, default: Key()].unknown.remove(value)
    if seq > byKey[key]?.seq ?? -1 {
      byKey[key]?.seq = seq
      byKey[key]?.value = value
      byKey[key]?.rivals = [value]
    } else if seq == byKey[key]?.seq {
      byKey[key]?.rivals.insert(value)
    }
  }

  /// Puts all pairs at one node.
  /// - Parameter ttl: seconds; nil: the daemon's default.
  /// - Returns: the answers that confirm nothing.
  mutating func put(
    _ pairs: [(key: String, value: String)], ttl: Int64? = nil, at node: DaemonProcess
  ) throws -> [JSON] {
    let requests = pairs.map { (key, value) in
      var params: [String: JSON] = ["key": .string(key), "value": .string(value)]
      if let ttl { params["ttl"] = .integer(ttl) }
      return (method: "put", params: JSON.object(params))
    }
    for (key, value) in pairs { began(key, value) }
    let answers = try node.client().callAll(requests)
    for (pair, answer) in zip(pairs, answers) { ended(pair.key, pair.value, answer) }
    return answers.filter { $0["result"] == .null }
  }

  /// The problem of an answer to a get; nil if there is none.
  private func problem(_ name: String, _ answer: JSON) -> String? {
    guard let key = byKey[name] else { return nil }
    guard let seq = answer["result"]["seq"].integer, let value = answer["result"]["value"].string else {
      return answer["error"]["code"] == 1 && key.seq < 0
        ? nil : "\(name): \(answer["error"]) instead of seq \(key.seq)"
    }
    if seq == key.seq, key.rivals.contains(value) { return nil }
    if seq >= key.seq, key.unknown.contains(value) { return nil }
    return "\(name): '\(value)' of seq \(seq) instead of '\(key.value)' of seq \(key.seq)"
  }

  /// Reads every key at one node. Nodes that have just started have no votes, so that a key may be unreachable at
  /// first: it is read again.
  /// - Returns: the broken promises.
  func broken(at node: DaemonProcess) throws -> [String] {
    var broken: [String] = []
    var keys = keys
    try eventually("every key to be reachable") {
      let answers = zip(keys, try node.client().getAll(keys)).map { ($0, $1) }
      broken += answers.filter { !$0.1.isUnreachable }.compactMap { problem($0.0, $0.1) }
      keys = answers.filter(\.1.isUnreachable).map(\.0)
      return keys.isEmpty
    }
    return broken
  }

  /// Nothing is promised of these keys any more.
  mutating func forget(_ keys: [String]) { for key in keys { byKey[key] = nil } }

  /// The seq of the last confirmed write of a key.
  func seq(of key: String) -> Int64? { byKey[key]?.seq }
}

extension JSON {
  /// True if this is the answer that too few nodes have answered.
  fileprivate var isUnreachable: Bool { self["error"]["data"]["reason"] == "unreachable" }
}
