import Kademlia
import Signatures

extension Response {
  /// Reads an answer.
  ///
  /// - Parameters:
  ///   - results: `r`.
  ///   - seen: `ip` (BEP 42).
  /// - Throws: no `r`, or a bad `id`. Any other invalid field counts as missing: other implementations have fields
  ///   of the same names, and the rest of their answers is of use.
  init(_ results: Fields, seen: BencodeValue?, in bytes: RawSpan) throws(MalformedMessage.Reason) {
    guard results.isPresent else { throw .noFields }
    let held = results.heldRecord(in: bytes)
    let credentials = results.credentials(seen: seen, in: bytes)
    // An answer with a record or a proof says nothing of these.
    var isBare = held == nil
    if case .proof? = credentials { isBare = false }
    self.init(
      sender: try results.sender(in: bytes),
      nodes: CompactNodes.read(results.nodes, results.nodes6, in: bytes),
      token: results.token?.shortBytes(in: bytes),
      keepsPlainRecords: results.keepsPlainRecords?.isOne(in: bytes) ?? false,
      lost: results.lostNodes(in: bytes),
      isNew: isBare && results.new?.isOne(in: bytes) == true,
      isHandedOver: isBare ? results.handed.map { $0.isOne(in: bytes) } : nil,
      held: held,
      storedSeq: isBare ? results.storedSeq(in: bytes) : nil,
      credentials: credentials)
  }
}

extension Fields {
  /// The record of the answer to a `get`: what has a `v`. With an `exp` and neither `key` nor `v`, it is
  /// the version alone.
  fileprivate func heldRecord(in bytes: RawSpan) -> HeldRecord? {
    if let value { return shownRecord(value, in: bytes).map { .record($0) } }
    guard key == nil, expiry != nil, let version = try? recordVersion(in: bytes) else { return nil }
    return .version(version)
  }

  /// The IDs of `lost`, the first `KRPC.maxLost` of them; none if it is not a string of whole IDs.
  fileprivate func lostNodes(in bytes: RawSpan) -> [NodeID] {
    guard let lost, let length = lost.stringLength, length % NodeID.byteCount == 0 else { return [] }
    let count = min(length / NodeID.byteCount, KRPC.maxLost)
    return (0..<count).map { bytes.nodeID(at: lost.start + $0 * NodeID.byteCount) }
  }

  /// `ip`; with `k` and `sig`, and without a record, it belongs to a proof of identity.
  fileprivate func credentials(seen: BencodeValue?, in bytes: RawSpan) -> Credentials? {
    guard let endpoint = seen.flatMap({ CompactNodes.endpoint($0, in: bytes) }) else { return nil }
    guard value == nil, let publicKey, let signature,
      let owner = publicKey.string(in: bytes).flatMap({ PublicKey($0) }),
      let proof = signature.string(in: bytes).flatMap({ Signature($0) })
    else { return .seen(endpoint) }
    return .proof(IdentityProof(owner: owner, signature: proof), seen: endpoint)
  }

  /// The seq that the answer to a `put` confirms: one that belongs to no record of the answer. Our
  /// nodes never send the seq of what they hold without its `exp`; those of BEP 44 send it with the
  /// `v`, and without one where the asker named a seq as great: the asker knows what it asked.
  fileprivate func storedSeq(in bytes: RawSpan) -> Int64? {
    guard expiry == nil, key == nil, value == nil else { return nil }
    return seq?.natural(in: bytes)
  }
}
