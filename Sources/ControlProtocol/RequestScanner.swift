#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads the frequent requests directly from the bytes of their lines.
///
/// It handles `put`, `get` and `delete` with valid parameters. Everything else (other methods, nulls,
/// unknown or duplicate members, numbers with a fraction, and errors) is left to the general decoder, which
/// alone writes error messages.
struct RequestScanner {
  private var scanner = JSONScanner()
  private var isVersion2 = false
  private var id: RequestID?
  private var method: ControlMethod?
  private var hasParams = false

  private var key: JSONScanner.Text?
  private var keyBase64: JSONScanner.Text?
  private var value: JSONScanner.Text?
  private var valueBase64: JSONScanner.Text?
  private var ttl: Int64?
  private var ifSeq: Int64?
  private var maxAge: Int64?
  private var trace: Bool?

  /// The request of a line; nil if the general decoder has to read it.
  static func request(in line: Span<UInt8>) -> DecodedRequest? {
    var request = RequestScanner()
    guard request.readEnvelope(in: line), request.scanner.skipToEnd(of: line), request.isVersion2,
      let method = request.method, let decoded = request.request(method, in: line)
    else { return nil }
    return DecodedRequest(id: request.id, outcome: .success(decoded))
  }

  // MARK: - Members

  /// Reads the outermost object. Returns false if it is left to the general decoder.
  private mutating func readEnvelope(in line: Span<UInt8>) -> Bool {
    guard scanner.take(UInt8(ascii: "{"), in: line) else { return false }
    repeat {
      guard let name = name(in: line) else { return false }
      let isRead =
        switch name {
        case packed("jsonrpc"): readVersion(in: line)
        case packed("id"): readID(in: line)
        case packed("method"): readMethod(in: line)
        case packed("params"): readParams(in: line)
        default: false
        }
      guard isRead else { return false }
    } while scanner.take(UInt8(ascii: ","), in: line)
    return scanner.take(UInt8(ascii: "}"), in: line)
  }

  private mutating func readVersion(in line: Span<UInt8>) -> Bool {
    guard !isVersion2, let text = scanner.text(in: line) else { return false }
    isVersion2 = text.packed(in: line) == packed("2.0")
    return isVersion2
  }

  private mutating func readID(in line: Span<UInt8>) -> Bool {
    guard id == nil else { return false }
    if scanner.skipToText(in: line) {
      guard let text = scanner.text(in: line)?.bytes(in: line) else { return false }
      id = .string(String(decoding: text, as: UTF8.self))
    } else {
      id = scanner.integer(in: line).map(RequestID.integer)
    }
    return id != nil
  }

  private mutating func readMethod(in line: Span<UInt8>) -> Bool {
    guard method == nil, let name = scanner.text(in: line)?.packed(in: line) else { return false }
    switch name {
    case packed("put"): method = .put
    case packed("get"): method = .get
    case packed("delete"): method = .delete
    default: return false
    }
    return true
  }

  private mutating func readParams(in line: Span<UInt8>) -> Bool {
    guard !hasParams, scanner.take(UInt8(ascii: "{"), in: line) else { return false }
    hasParams = true
    repeat {
      guard let name = name(in: line) else { return false }
      let isRead =
        switch name {
        case packed("key"): Self.fill(&key, with: scanner.text(in: line))
        case packed("key_base64"): Self.fill(&keyBase64, with: scanner.text(in: line))
        case packed("value"): Self.fill(&value, with: scanner.text(in: line))
        case packed("value_base64"): Self.fill(&valueBase64, with: scanner.text(in: line))
        case packed("ttl"): Self.fill(&ttl, with: scanner.integer(in: line))
        case packed("if_seq"): Self.fill(&ifSeq, with: scanner.integer(in: line))
        case packed("max_age"): Self.fill(&maxAge, with: scanner.integer(in: line))
        case packed("trace"): Self.fill(&trace, with: scanner.boolean(in: line))
        default: false
        }
      guard isRead else { return false }
    } while scanner.take(UInt8(ascii: ","), in: line)
    return scanner.take(UInt8(ascii: "}"), in: line)
  }

  /// Reads the name of a member and its colon.
  private mutating func name(in line: Span<UInt8>) -> UInt128? {
    guard let name = scanner.text(in: line)?.packed(in: line), scanner.take(UInt8(ascii: ":"), in: line)
    else { return nil }
    return name
  }

  /// Sets a member that is present for the first time.
  private static func fill<Value>(_ member: inout Value?, with value: Value?) -> Bool {
    guard member == nil, let value else { return false }
    member = value
    return true
  }

  // MARK: - The request

  /// The request with these members; nil if a parameter is missing, out of range or not the method's own.
  private func request(_ method: ControlMethod, in line: Span<UInt8>) -> ControlRequest? {
    guard let key = Self.bytes(key, keyBase64, in: line), key.count >= ControlLimits.minKeyBytes else {
      return nil
    }
    let (hasValue, hasLimits) = (value != nil || valueBase64 != nil, ttl != nil || ifSeq != nil)
    switch method {
    case .put:
      guard maxAge == nil, trace == nil, let value = Self.bytes(value, valueBase64, in: line),
        ttl.map(PutParams.ttlRange.contains) ?? true, ifSeq ?? 0 >= 0
      else { return nil }
      return .put(PutParams(key: key, value: value, ttl: ttl, ifSeq: ifSeq))
    case .get:
      guard !hasValue, !hasLimits, maxAge ?? 0 >= 0 else { return nil }
      return .get(GetParams(key: key, maxAge: maxAge ?? 0, trace: trace ?? false))
    case .delete:
      guard !hasValue, !hasLimits, maxAge == nil, trace == nil else { return nil }
      return .delete(DeleteParams(key: key))
    default:
      return nil
    }
  }

  /// A byte string that is given either as text or as base64.
  private static func bytes(
    _ text: JSONScanner.Text?, _ base64: JSONScanner.Text?, in line: Span<UInt8>
  ) -> [UInt8]? {
    guard let base64 else { return text?.bytes(in: line) }
    guard text == nil, let digits = base64.bytes(in: line), let data = Data(base64Encoded: Data(digits))
    else { return nil }
    return [UInt8](data)
  }
}
