package import Kademlia
import Signatures

/// The reason why a datagram was not understood, and the answer to it.
package struct MalformedMessage: Error, Hashable, Sendable {
  /// The fault in the datagram.
  package let reason: Reason
  /// The error to send back: for a query whose transaction could be read. Nil for everything else
  /// (answers, errors, garbage), which is met with silence.
  package let reply: Message?

  /// A datagram that is not answered.
  init(reason: Reason) {
    self.reason = reason
    self.reply = nil
  }

  /// A query that is answered with an error.
  init(reason: Reason, refusing transaction: TransactionID) {
    self.reason = reason
    self.reply = Message(
      transaction: transaction, body: .error(RPCError(reason.errorCode, reason.description)))
  }

  /// A query that is answered with an error because its transaction does not fit `TransactionID`.
  init(reason: Reason, refusingLong transaction: [UInt8]) {
    self.reason = reason
    var error = RPCError(reason.errorCode, reason.description)
    error.longTransaction = transaction
    self.reply = Message(transaction: TransactionID(), body: .error(error))
  }
}

extension MalformedMessage {
  /// The faults that a datagram can have.
  package enum Reason: Error, Hashable, Sendable {
    // The datagram is not bencoding: nothing more can be read.

    /// More than 2 GiB.
    case tooLong
    /// The outermost value is not a dictionary.
    case notADictionary
    /// A value ends beyond the end of the datagram.
    case truncated
    /// The byte at this offset is not valid there.
    case unexpectedByte(at: Int)
    /// Bytes after the outermost dictionary.
    case trailingBytes

    // The datagram is bencoding, but breaks its rules.

    /// An integer with leading zeros, or a negative zero.
    case nonCanonicalInteger
    /// The length of a string with leading zeros.
    case nonCanonicalLength
    /// A dictionary, at any depth, with the same key twice.
    case duplicateKey
    /// A dictionary with keys out of order, and more of them than `KRPC.maxUnsortedKeys`.
    case tooManyUnsortedKeys
    /// A dictionary with keys out of order, deeper than `KRPC.maxDepth`.
    case tooDeep

    // The datagram is not a message, or is one that cannot be acted on.

    /// No `t`, or one that is not a string of at most 32 bytes.
    case noTransaction
    /// `y` is missing, or neither `q` nor `r` nor `e`.
    case noType
    /// A query without `q`.
    case noMethod
    /// A method that is not known, without a `target` to answer with the nodes near it; or one that must not be
    /// answered as if it had stored something (204).
    case unknownMethod
    /// `a` of a query or `r` of an answer is missing or no dictionary.
    case noFields
    /// A required field is missing.
    case missing(Field)
    /// A field is not of its type, length or range.
    case invalid(Field)
    /// `v` is not canonical: it has a dictionary with keys out of order (BEP 44).
    case nonCanonicalValue
    /// Key and value are longer than `KRPC.maxRecordPayload` together, or a bencoded value is (205).
    case payloadTooBig
    /// `salt` is longer than `SignedText.maxSalt` (207).
    case saltTooBig
  }

  /// The fields of `a` and `r` that are read; the raw value is the key on the wire.
  package enum Field: String, Hashable, Sendable, CaseIterable {
    case id, target, want, seq, kind, token, key, cas, nodes, nodes6, lost, new, handed, salt, nonce
    case infoHash = "info_hash"
    case value = "v"
    case expiry = "exp"
    case deletion = "del"
    case keepsPlainRecords = "kv"
    case publicKey = "k"
    case signature = "sig"
  }
}

extension MalformedMessage.Reason {
  /// The code of the error that a query is answered with (BEP 5, BEP 44).
  package var errorCode: Int {
    switch self {
    case .unknownMethod: RPCError.methodUnknown
    case .payloadTooBig: RPCError.tooBig
    case .saltTooBig: RPCError.saltTooBig
    default: RPCError.protocolError
    }
  }
}

extension MalformedMessage.Reason: CustomStringConvertible {
  /// A description in one line for the sender and for the log, without a full stop.
  package var description: String {
    switch self {
    case .tooLong: "the message is too long"
    case .notADictionary: "the message is not a dictionary"
    case .truncated: "the message breaks off"
    case .unexpectedByte(let offset): "the message is not bencoding at byte \(offset)"
    case .trailingBytes: "bytes follow the message"
    case .nonCanonicalInteger: "an integer has leading zeros or is a negative zero"
    case .nonCanonicalLength: "the length of a string has leading zeros"
    case .duplicateKey: "a dictionary has the same key twice"
    case .tooManyUnsortedKeys: "a dictionary has over \(KRPC.maxUnsortedKeys) keys out of order"
    case .tooDeep: "a dictionary deeper than \(KRPC.maxDepth) levels has keys out of order"
    case .noTransaction: "'t' must be a string of at most \(ShortBytes.capacity) bytes"
    case .noType: "'y' must be q, r or e"
    case .noMethod: "a query needs 'q'"
    case .unknownMethod: "unknown method"
    case .noFields: "'a' of a query and 'r' of an answer must be dictionaries"
    case .missing(let field): "'\(field.rawValue)' is missing"
    case .invalid(let field): "'\(field.rawValue)' must be \(field.requirement)"
    case .nonCanonicalValue: "'v' is not canonical"
    case .payloadTooBig: "key and value are over \(KRPC.maxRecordPayload) bytes"
    case .saltTooBig: "'salt' is over \(SignedText.maxSalt) bytes"
    }
  }
}

extension MalformedMessage.Field {
  /// The requirement on the field, as the end of "must be".
  fileprivate var requirement: String {
    switch self {
    case .id, .target, .infoHash: "20 bytes"
    case .want: "a list of n4 and n6"
    case .seq, .expiry, .cas: "an integer from 0 to \(Int64.max)"
    case .kind: "a kind of record: plain, immutable or signed"
    case .token: "1 to \(ShortBytes.capacity) bytes"
    case .key: "a string that is not empty"
    case .value: "a byte string"
    case .deletion: "1, and 'v' empty"
    case .nodes: "a string of \(CompactNodes.size(.v4)) bytes a node"
    case .nodes6: "a string of \(CompactNodes.size(.v6)) bytes a node"
    case .keepsPlainRecords, .new: "1"
    case .handed: "0 or 1"
    case .lost: "a string of \(NodeID.byteCount) bytes a node"
    case .publicKey: "\(PublicKey.byteCount) bytes"
    case .signature: "\(Signature.byteCount) bytes"
    case .salt: "a byte string"
    case .nonce: "\(Nonce.byteCount) bytes"
    }
  }
}
