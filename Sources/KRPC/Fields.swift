import Kademlia

/// The values of `a` or `r` under the keys that are known, by their place in the datagram.
struct Fields {
  typealias Reason = MalformedMessage.Reason
  typealias Field = MalformedMessage.Field

  /// True if there is such a dictionary.
  private(set) var isPresent = false

  private(set) var id: BencodeValue?
  private(set) var target: BencodeValue?
  private(set) var infoHash: BencodeValue?
  private(set) var want: BencodeValue?
  private(set) var seq: BencodeValue?
  private(set) var kind: BencodeValue?
  private(set) var token: BencodeValue?
  private(set) var key: BencodeValue?
  private(set) var value: BencodeValue?
  private(set) var expiry: BencodeValue?
  private(set) var deletion: BencodeValue?
  private(set) var cas: BencodeValue?
  private(set) var nodes: BencodeValue?
  private(set) var nodes6: BencodeValue?
  private(set) var keepsPlainRecords: BencodeValue?
  private(set) var lost: BencodeValue?
  private(set) var new: BencodeValue?
  private(set) var handed: BencodeValue?
  private(set) var nonce: BencodeValue?
  private(set) var publicKey: BencodeValue?
  private(set) var salt: BencodeValue?
  private(set) var signature: BencodeValue?

  /// Reads them where they are kept, for they are large to move. A value that is no dictionary is
  /// passed over.
  ///
  /// - Parameter depth: the level of the dictionary.
  mutating func read(
    _ bytes: RawSpan, with reader: inout BencodeReader, depth: Int
  ) throws(Reason) {
    guard reader.beginDictionary(in: bytes) else {
      _ = try reader.value(in: bytes, depth: depth)
      return
    }
    isPresent = true
    var keys = KeyOrder()
    var flaws = reader.flaws
    while let key = try reader.nextKey(in: bytes, after: &keys) {
      let value = try reader.value(in: bytes, depth: depth + 1)
      guard reader.flaws == flaws else {
        // An entry that breaks a rule is passed over. A query is then refused as a whole.
        flaws = reader.flaws
        continue
      }
      if let field = Field(key, in: bytes) { set(field, to: value) }
    }
  }

  private mutating func set(_ field: Field, to entry: BencodeValue) {
    switch field {
    case .id: id = entry
    case .target: target = entry
    case .infoHash: infoHash = entry
    case .want: want = entry
    case .seq: seq = entry
    case .kind: kind = entry
    case .token: token = entry
    case .key: key = entry
    case .value: value = entry
    case .expiry: expiry = entry
    case .deletion: deletion = entry
    case .cas: cas = entry
    case .nodes: nodes = entry
    case .nodes6: nodes6 = entry
    case .keepsPlainRecords: keepsPlainRecords = entry
    case .lost: lost = entry
    case .new: new = entry
    case .handed: handed = entry
    case .nonce: nonce = entry
    case .publicKey: publicKey = entry
    case .salt: salt = entry
    case .signature: signature = entry
    }
  }

  /// The `id` of the sender, which every query and answer has.
  func sender(in bytes: RawSpan) throws(Reason) -> NodeID {
    guard let id else { throw .missing(.id) }
    guard let sender = id.nodeID(in: bytes) else { throw .invalid(.id) }
    return sender
  }

  /// A field that has to be there as an integer of 0 to 2^63 - 1.
  func natural(_ entry: BencodeValue?, _ field: Field, in bytes: RawSpan) throws(Reason) -> Int64 {
    guard let number = try optionalNatural(entry, field, in: bytes) else { throw .missing(field) }
    return number
  }

  /// A field that may be absent and otherwise has to be an integer of 0 to 2^63 - 1.
  func optionalNatural(
    _ entry: BencodeValue?, _ field: Field, in bytes: RawSpan
  ) throws(Reason) -> Int64? {
    guard let entry else { return nil }
    guard let number = entry.natural(in: bytes) else { throw .invalid(field) }
    return number
  }
}

extension MalformedMessage.Field {
  /// The field with this key; nil if nobody knows it.
  @inline(__always)
  init?(_ key: DictionaryKey, in bytes: RawSpan) {
    switch key.word {
    case keyWord("id"): self = .id
    case keyWord("target"): self = .target
    case keyWord("token"): self = .token
    case keyWord("nodes"): self = .nodes
    case keyWord("nodes6"): self = .nodes6
    case keyWord("key"): self = .key
    case keyWord("v"): self = .value
    case keyWord("seq"): self = .seq
    case keyWord("exp"): self = .expiry
    case keyWord("kv"): self = .keepsPlainRecords
    case keyWord("lost"): self = .lost
    case keyWord("new"): self = .new
    case keyWord("handed"): self = .handed
    case keyWord("kind"): self = .kind
    case keyWord("want"): self = .want
    case keyWord("del"): self = .deletion
    case keyWord("cas"): self = .cas
    case keyWord("nonce"): self = .nonce
    case keyWord("k"): self = .publicKey
    case keyWord("sig"): self = .signature
    case keyWord("salt"): self = .salt
    default:
      guard bytes.matches("info_hash", from: key.start, to: key.end) else { return nil }
      self = .infoHash
    }
  }
}
