/// One KRPC message (BEP 5), as its meaning: the wire form is the codec's affair.
package struct Message: Hashable, Sendable {
  /// What kind of message it is (BEP 5, key `y`).
  package enum Body: Hashable, Sendable {
    case query(Query)
    case response(Response)
    case error(RPCError)
  }

  /// Pairs an answer with its query.
  package var transaction: TransactionID
  /// The query, the answer or the refusal.
  package var body: Body

  package init(transaction: TransactionID, body: Body) {
    self.transaction = transaction
    self.body = body
  }
}

/// A request from one node to another.
package struct Query: Hashable, Sendable {
  /// What is asked for (BEP 5, key `q`), with its arguments.
  package enum Method: Hashable, Sendable {
    /// PING.
    case ping
    /// FIND_NODE. Also what an unknown method with a target or an info-hash is read as (BEP 5).
    case findNode(target: NodeID)
    /// FIND_VALUE (BEP 44). With `seq`, a holder leaves the value out unless its own is newer.
    case get(target: NodeID, kind: RecordKind?, seq: Int64?)
    /// STORE (BEP 44). With `cas`, only if the holder's version has that seq.
    case put(Record, token: WriteToken, cas: Int64?)
  }

  /// The ID that the sender says it has.
  package var sender: NodeID
  /// What is asked for.
  package var method: Method
  /// The sender cannot be queried: it is answered and never added (BEP 43).
  package var isReadOnly: Bool
  /// The families whose nodes the sender wants; empty when it did not say, which means the family
  /// of the datagram (BEP 32).
  package var want: AddressFamilies
  /// With a ping: the sender asks for a proof of identity.
  package var nonce: Nonce?

  package init(
    sender: NodeID, method: Method, isReadOnly: Bool = false, want: AddressFamilies = .init(),
    nonce: Nonce? = nil
  ) {
    self.nonce = nonce
    self.sender = sender
    self.method = method
    self.isReadOnly = isReadOnly
    self.want = want
  }
}

/// What a holder has under a target, as a `get` answer tells it.
package enum HeldRecord: Hashable, Sendable {
  case record(Record)
  /// The asker said that it has this seq or a newer one: the value was left out.
  case version(RecordVersion)

  /// The version that is held.
  package var version: RecordVersion {
    switch self {
    case .record(let record): record.version
    case .version(let version): version
    }
  }
}

/// An answer. KRPC does not say in an answer what was asked; who asked knows it from the
/// transaction.
package struct Response: Hashable, Sendable {
  /// The ID that the sender says it has.
  package var sender: NodeID
  /// Nodes of both families, in no order that can be relied upon.
  package var nodes: [Peer]
  /// Absent where the answering node will not store for the asker.
  package var token: WriteToken?
  /// `kv`: the answering node keeps plain records.
  package var keepsPlainRecords: Bool
  /// To a `get`: the record, or its version.
  package var held: HeldRecord?
  /// The seq that a `put` was confirmed with.
  package var storedSeq: Int64?
  /// To a `ping` with a nonce: who answers.
  package var credentials: Credentials?

  package init(
    sender: NodeID, nodes: [Peer] = [], token: WriteToken? = nil, keepsPlainRecords: Bool = false,
    held: HeldRecord? = nil, storedSeq: Int64? = nil, credentials: Credentials? = nil
  ) {
    self.credentials = credentials
    self.sender = sender
    self.nodes = nodes
    self.token = token
    self.keepsPlainRecords = keepsPlainRecords
    self.held = held
    self.storedSeq = storedSeq
  }
}

/// A refusal.
package struct RPCError: Error, Hashable, Sendable {
  /// One of the codes below, or one that another implementation made up.
  package var code: Int
  /// What it says about it: text from another node, not to be trusted.
  package var message: String

  package init(_ code: Int, _ message: String) {
    self.code = code
    self.message = message
  }

  // BEP 5
  package static let generic = 201
  package static let server = 202
  package static let protocolError = 203
  package static let methodUnknown = 204
  // BEP 44
  package static let tooBig = 205
  package static let badSignature = 206
  package static let saltTooBig = 207
  package static let casMismatch = 301
  package static let seqTooOld = 302
  // Ours
  package static let busy = 400
  package static let storageFull = 401
}
