package import Kademlia
import KRPC
import NodeTime
package import Signatures

/// An operation that a client requests.
package enum OperationRequest: Sendable {
  /// Stores a plain value; with `ifSeq` only if the current version has that seq.
  case put(key: [UInt8], value: [UInt8], ttl: Int64?, ifSeq: Int64?)
  /// Stores a canonical value under its own hash.
  case putImmutable(value: [UInt8], ttl: Int64?)
  /// Signs a canonical value with a key of this node, and stores it.
  case sign(value: [UInt8], salt: [UInt8], key: SigningKey, ttl: Int64?, ifSeq: Int64?)
  /// Stores a canonical value that its owner has signed.
  case putSigned(value: [UInt8], seq: Int64, authorship: Record.Authorship, ttl: Int64?, ifSeq: Int64?)
  /// Deletes a plain value.
  case delete(key: [UInt8])
  /// Reads the newest version of a record, or a copy that is no older than `maxAge` seconds.
  case get(RecordName, maxAge: Int64, isTraced: Bool)
  /// Finds the nodes that should hold a plain key, and the version that each of them holds.
  case lookupKey([UInt8])
  /// Finds the nodes closest to a target.
  case lookup(NodeID)
  /// Asks the node at an address for its ID.
  case ping(Endpoint)
  /// Joins through the nodes at addresses.
  case bootstrap([Endpoint])

  /// Returns whether bytes are one canonically bencoded value, as the value of an immutable or signed record
  /// must be (BEP 44).
  package static func isCanonical(_ value: [UInt8]) -> Bool { KRPC.isCanonical(value) }

  /// Begins the operation.
  ///
  /// - Parameter client: its client; waiting clients take turns.
  func begin(on node: inout Node, _ now: Now, for client: ClientID) throws(OperationRefusal) -> OperationID {
    switch self {
    case .put(let key, let value, let ttl, let ifSeq):
      try node.put(now, key: key, value: value, ttl: ttl, ifSeq: ifSeq, for: client)
    case .putImmutable(let value, let ttl):
      try node.put(now, immutable: value, ttl: ttl, for: client)
    case .sign(let value, let salt, let key, let ttl, let ifSeq):
      try node.put(now, value: value, salt: salt, signedBy: key, ttl: ttl, ifSeq: ifSeq, for: client)
    case .putSigned(let value, let seq, let authorship, let ttl, let ifSeq):
      try node.put(
        now, value: value, seq: seq, authorship: authorship, ttl: ttl, ifSeq: ifSeq, for: client)
    case .delete(let key): try node.delete(now, key: key, for: client)
    case .get(let name, let maxAge, let isTraced):
      try node.get(now, name, maxAge: maxAge, isTraced: isTraced, for: client)
    case .lookupKey(let key): try node.lookup(now, key: key, for: client)
    case .lookup(let target): try node.lookup(now, target, for: client)
    case .ping(let endpoint): try node.ping(now, endpoint)
    case .bootstrap(let endpoints): try node.bootstrap(now, endpoints)
    }
  }
}
