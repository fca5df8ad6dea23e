import Kademlia

extension Response {
  /// Reads an answer.
  ///
  /// - Parameter results: `r`.
  /// - Throws: no `r`, a bad `id`, `nodes` or `nodes6`. A token or record that is not as it has to be is as
  ///   good as none: other implementations have such fields too, and their nodes are of use.
  init(_ results: Fields, in bytes: RawSpan) throws(MalformedMessage.Reason) {
    guard results.isPresent else { throw .noFields }
    self.init(
      sender: try results.sender(in: bytes),
      nodes: try CompactNodes.read(results.nodes, results.nodes6, in: bytes),
      token: results.token?.shortBytes(in: bytes),
      keepsPlainRecords: results.keepsPlainRecords?.isOne(in: bytes) ?? false,
      held: results.heldRecord(in: bytes),
      storedSeq: results.storedSeq(in: bytes))
  }
}

extension Fields {
  /// The record of the answer to a `get`: what has a `v`. With an `exp` and neither `key` nor `v`, it is
  /// the version alone.
  fileprivate func heldRecord(in bytes: RawSpan) -> HeldRecord? {
    if key == nil, value == nil {
      guard expiry != nil, let version = try? recordVersion(in: bytes) else { return nil }
      return .version(version)
    }
    guard let record = try? record(in: bytes) else { return nil }
    return .record(record)
  }

  /// The seq that the answer to a `put` confirms: one that belongs to no record of the answer. Our
  /// nodes never send the seq of what they hold without its `exp`; those of BEP 44 send it with the
  /// `v`, and without one where the asker named a seq as great: the asker knows what it asked.
  fileprivate func storedSeq(in bytes: RawSpan) -> Int64? {
    guard expiry == nil, key == nil, value == nil else { return nil }
    return seq?.natural(in: bytes)
  }
}
