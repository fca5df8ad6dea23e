#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes the frequent answers, byte for byte as the general encoder does: members sorted by name, and as
/// few escapes as JSON allows.
struct JSONWriter {
  /// The bytes written so far.
  var bytes: [UInt8] = []

  /// Appends an answer as a line with its line feed. Returns false, and writes nothing, if the answer is
  /// left to the general encoder.
  mutating func write(_ response: ControlResponse) -> Bool {
    switch response.outcome {
    case .success(.get(let result)) where result.steps == nil && result.kind == .plain:
      writeHead(of: response)
      write(result)
    case .success(.put(let result)) where result.failures.isEmpty && result.publicKey == nil,
      .success(.delete(let result)) where result.failures.isEmpty && result.publicKey == nil:
      writeHead(of: response)
      write(result)
    case .failure(let error) where error.data.put == nil && error.data.steps == nil:
      raw("{\"error\":")
      write(error)
      raw(",\"id\":")
      write(response.id)
      raw(",\"jsonrpc\":\"2.0\"")
    default: return false
    }
    raw("}\n")
    return true
  }

  /// Writes the start of a response, up to its result.
  private mutating func writeHead(of response: ControlResponse) {
    raw("{\"id\":")
    write(response.id)
    raw(",\"jsonrpc\":\"2.0\",\"result\":{")
  }

  private mutating func write(_ result: GetResult) {
    if let age = result.age {
      raw("\"age\":")
      integer(age)
      raw(",")
    }
    raw("\"expires\":")
    integer(result.expires)
    raw(",\"seq\":")
    integer(result.seq)
    raw(",\"target\":")
    string(result.target)
    raw(result.isUnconfirmed ? ",\"unconfirmed\":true" : ",\"unconfirmed\":false")
    if result.value.span.isUTF8 {
      raw(",\"value\":")
      string(result.value.span)
    } else {
      raw(",\"value_base64\":\"")
      bytes.append(contentsOf: Data(result.value).base64EncodedData())
      raw("\"")
    }
    raw("}")
  }

  /// Writes the result of a put without failures.
  private mutating func write(_ result: PutResult) {
    raw("\"expires\":")
    integer(result.expires)
    raw(",\"failures\":[],\"pending\":")
    integer(result.pending)
    raw(",\"refused\":")
    integer(result.refused)
    if let replaced = result.replaced {
      raw(",\"replaced\":")
      integer(replaced)
    }
    raw(",\"replicas\":")
    integer(result.replicas)
    raw(",\"seq\":")
    integer(result.seq)
    raw(",\"silent\":")
    integer(result.silent)
    raw(",\"stored\":")
    integer(result.stored)
    raw(",\"target\":")
    string(result.target)
    raw(result.isWeak ? ",\"weak\":true}" : ",\"weak\":false}")
  }

  /// Writes an error with neither nodes nor steps.
  private mutating func write(_ error: ControlError) {
    raw("{\"code\":")
    integer(Int64(error.code.rawValue))
    raw(",\"data\":{")
    if let param = error.data.param {
      raw("\"param\":")
      string(param)
      raw(",")
    }
    raw("\"reason\":")
    string(error.data.reason)
    if let seq = error.data.seq {
      raw(",\"seq\":")
      integer(seq)
    }
    raw("},\"message\":")
    string(error.message)
    raw("}")
  }

  private mutating func write(_ id: RequestID) {
    switch id {
    case .string(let text): string(text)
    case .integer(let number): integer(number)
    case .decimal(let decimal): bytes.append(contentsOf: "\(decimal)".utf8)
    case .null: raw("null")
    }
  }

  // MARK: - Parts

  /// Appends a fragment of JSON.
  @inline(__always)
  private mutating func raw(_ fragment: StaticString) {
    // `append` copies the bytes.
    fragment.withUTF8Buffer { unsafe append($0) }
  }

  private mutating func integer(_ number: Int64) {
    if number < 0 { raw("-") }
    // 2^63 has 19 digits.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = digits.count
    var rest = number.magnitude
    repeat {
      first -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while rest > 0
    append(digits.span.extracting(first..<digits.count))
  }

  private mutating func string(_ text: String) {
    string(text.utf8.span)
  }

  /// Writes a string of UTF-8 bytes.
  private mutating func string(_ text: Span<UInt8>) {
    raw("\"")
    var offset = 0
    while true {
      let end = text.endOfPlainText(from: offset)
      append(text.extracting(offset..<end))
      guard end < text.count else { break }
      escape(text[end])
      offset = end + 1
    }
    raw("\"")
  }

  /// Writes a byte that needs an escape. Bytes of other scripts need none.
  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): raw("\\\"")
    case UInt8(ascii: "\\"): raw("\\\\")
    case 0x08: raw("\\b")
    case 0x0C: raw("\\f")
    case 0x0A: raw("\\n")
    case 0x0D: raw("\\r")
    case 0x09: raw("\\t")
    case 0x80...: bytes.append(byte)
    default:
      raw("\\u00")
      bytes.append(Hex.digit(byte >> 4))
      bytes.append(Hex.digit(byte & 0x0F))
    }
  }

  private mutating func append(_ text: Span<UInt8>) {
    // The other `append` copies the bytes.
    unsafe text.withUnsafeBufferPointer { unsafe append($0) }
  }

  /// The fragments are short, and `append(contentsOf:)` is slow for a few bytes.
  @inline(__always)
  private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
    // There is room for `text.count` bytes, and all of them are written. Exclusive access to `bytes` means
    // that `text` is not part of it.
    bytes.append(addingCapacity: text.count) { output in
      unsafe output.withUnsafeMutableBufferPointer { memory, count in
        count = unsafe memory.update(fromContentsOf: text)
      }
    }
  }
}
