/// The meaning of a KRPC message (BEP 5). Its wire form belongs to the codec.
package struct Message: Hashable, Sendable {
  /// The kind of a message and its content (BEP 5, key `y`).
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
  /// The requested method (BEP 5, key `q`), with its arguments.
  package enum Method: Hashable, Sendable {
    /// PING.
    case ping
    /// FIND_NODE. An unknown method with a target or an info-hash is read as this one, too (BEP 5).
    case findNode(target: NodeID)
    /// FIND_VALUE (BEP 44). With `seq`, a holder leaves the value out unless its own is newer.
    case get(target: NodeID, kind: RecordKind?, seq: Int64?)
    /// STORE (BEP 44). With `cas`, only if the holder's version has that seq.
    case put(Record, token: WriteToken, cas: Int64?)
  }

  /// The sender's claimed ID.
  package var sender: NodeID
  /// The requested method.
  package var method: Method
  /// True if the sender cannot be queried: it gets an answer, but never enters the table (BEP 43).
  package var isReadOnly: Bool
  /// The address families whose nodes the sender wants. If empty, the sender did not say, which means the
  /// family of the datagram (BEP 32).
  package var want: AddressFamilies
  /// In a ping: the nonce that a proof of identity must contain.
  package var nonce: Nonce?
  /// In a `find_node`: true if the sender is new and asks whether it has been given what it should hold (key
  /// `handed`).
  package var asksForHandOff: Bool

  package init(
    sender: NodeID, method: Method, isReadOnly: Bool = false, want: AddressFamilies = .init(),
    nonce: Nonce? = nil, asksForHandOff: Bool = false
  ) {
    self.nonce = nonce
    self.asksForHandOff = asksForHandOff
    self.sender = sender
    self.method = method
    self.isReadOnly = isReadOnly
    self.want = want
  }
}

/// The version that a holder has under a target, as its answer to a `get` reports it.
package enum HeldRecord: Hashable, Sendable {
  case record(Record)
  /// The version alone: the asker said that it has this seq or a newer one, so that the value was left out.
  case version(RecordVersion)

  /// The version that is held.
  package var version: RecordVersion {
    switch self {
    case .record(let record): record.version
    case .version(let version): version
    }
  }
}

/// An answer. KRPC does not repeat the question in an answer: the asker knows it from the transaction.
package struct Response: Hashable, Sendable {
  /// The sender's claimed ID.
  package var sender: NodeID
  /// Nodes of both families, in no particular order.
  package var nodes: [Peer]
  /// A token to store records with; nil if the sender will not store for the asker.
  package var token: WriteToken?
  /// True if the sender keeps plain records (key `kv`).
  package var keepsPlainRecords: Bool
  /// In an answer to a `get` without a record: the nodes that the sender lost lately and that may hold one (key
  /// `lost`).
  package var lost: [NodeID]
  /// In an answer to a `get` without a record: true if the sender is new, and may not have been given the record yet
  /// (key `new`).
  package var isNew: Bool
  /// In an answer to a node that is new: whether the sender has given it what it should hold (key `handed`); nil if
  /// the sender does not tell.
  package var isHandedOver: Bool?
  /// In an answer to a `get`: the record, or its version.
  package var held: HeldRecord?
  /// The seq that a `put` was confirmed with.
  package var storedSeq: Int64?
  /// The proof of the sender's identity, or the asker's address.
  package var credentials: Credentials?

  package init(
    sender: NodeID, nodes: [Peer] = [], token: WriteToken? = nil, keepsPlainRecords: Bool = false,
    lost: [NodeID] = [], isNew: Bool = false, isHandedOver: Bool? = nil, held: HeldRecord? = nil,
    storedSeq: Int64? = nil, credentials: Credentials? = nil
  ) {
    self.credentials = credentials
    self.isNew = isNew
    self.isHandedOver = isHandedOver
    self.sender = sender
    self.nodes = nodes
    self.token = token
    self.keepsPlainRecords = keepsPlainRecords
    self.lost = lost
    self.held = held
    self.storedSeq = storedSeq
  }
}

/// A refusal.
package struct RPCError: Error, Hashable, Sendable {
  /// The code: one of those below, or one of another implementation's own.
  package var code: Int
  /// The explanation: untrusted text from another node.
  package var message: String
  /// The transaction of the refused query if it does not fit `TransactionID`; empty for any other query. Few
  /// errors have one, so that it is kept here and not in every message.
  package var longTransaction: [UInt8] = []

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
