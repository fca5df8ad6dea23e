import Kademlia

/// The outermost dictionary of a message, read in one pass.
struct Envelope {
  typealias Reason = MalformedMessage.Reason

  /// `t`.
  private var transaction: BencodeValue?
  /// `y`: query, response or error.
  private var type: BencodeValue?
  /// `q`.
  private var method: BencodeValue?
  /// `a`.
  private var arguments = Fields()
  /// `r`.
  private var results = Fields()
  /// `e`.
  private var error: BencodeValue?
  /// `ip` (BEP 42).
  private var seen: BencodeValue?
  /// `ro` (BEP 43).
  private var readOnly: BencodeValue?
  /// The rule of bencoding that the message breaks although it can be read to its end.
  private var flaw: Reason?

  /// The level of the values. The outermost dictionary is on the first.
  private static let depth = 2

  /// Reads a whole datagram.
  ///
  /// - Throws: what makes it unreadable.
  mutating func read(_ bytes: RawSpan) throws(Reason) {
    guard bytes.byteCount <= BencodeValue.maxOffset else { throw .tooLong }
    var reader = BencodeReader()
    guard reader.beginDictionary(in: bytes) else { throw .notADictionary }
    var keys = KeyOrder()
    while let key = try reader.nextKey(in: bytes, after: &keys) {
      guard let flaw = keys.flaw else {
        try readEntry(key, in: bytes, with: &reader)
        continue
      }
      // Of two transactions or two types none can be answered. Of two other entries the first one counts.
      if key.word == keyWord("t") || key.word == keyWord("y") { throw flaw }
      _ = try reader.value(in: bytes, depth: Self.depth)
    }
    guard reader.position == bytes.byteCount else { throw .trailingBytes }
    flaw = reader.flaw
  }

  private mutating func readEntry(
    _ key: DictionaryKey, in bytes: RawSpan, with reader: inout BencodeReader
  ) throws(Reason) {
    switch key.word {
    case keyWord("a"): return try arguments.read(bytes, with: &reader, depth: Self.depth)
    case keyWord("r"): return try results.read(bytes, with: &reader, depth: Self.depth)
    default: break
    }
    let value = try reader.value(in: bytes, depth: Self.depth)
    switch key.word {
    case keyWord("e"): error = value
    case keyWord("ip"): seen = value
    case keyWord("q"): method = value
    case keyWord("ro"): readOnly = value
    case keyWord("t"): transaction = value
    case keyWord("y"): type = value
    default: break
    }
  }

  /// The message in it.
  func message(in bytes: RawSpan) throws(MalformedMessage) -> Message {
    guard let text = self.transaction, let length = text.stringLength else {
      throw MalformedMessage(reason: .noTransaction)
    }
    guard let type, type.stringLength == 1 else { throw MalformedMessage(reason: .noType) }
    guard length <= ShortBytes.capacity else {
      guard type.isString("q", in: bytes), length <= KRPC.maxTransaction, let text = text.string(in: bytes)
      else { throw MalformedMessage(reason: .noTransaction) }
      throw MalformedMessage(reason: .noTransaction, refusingLong: text)
    }
    let transaction = text.shortBytes(in: bytes) ?? ShortBytes()
    switch bytes.byte(at: type.start) {
    case UInt8(ascii: "q"):
      do throws(Reason) {
        return Message(transaction: transaction, body: .query(try query(in: bytes)))
      } catch {
        throw MalformedMessage(reason: error, refusing: transaction)
      }
    case UInt8(ascii: "r"), UInt8(ascii: "e"):
      do throws(Reason) {
        return Message(transaction: transaction, body: try answer(type, in: bytes))
      } catch {
        throw MalformedMessage(reason: error)
      }
    default:
      throw MalformedMessage(reason: .noType)
    }
  }

  private func query(in bytes: RawSpan) throws(Reason) -> Query {
    if let flaw { throw flaw }
    guard let method, method.form == .string else { throw .noMethod }
    return try Query(method, arguments, isReadOnly: readOnly?.isOne(in: bytes) ?? false, in: bytes)
  }

  private func answer(_ type: BencodeValue, in bytes: RawSpan) throws(Reason) -> Message.Body {
    // An entry that breaks a rule was passed over.
    if type.isString("e", in: bytes) { return .error(RPCError(error, in: bytes)) }
    return .response(try Response(results, seen: seen, in: bytes))
  }
}
