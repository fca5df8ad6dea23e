import Kademlia

extension RPCError {
  /// Reads an error.
  ///
  /// - Parameter value: `e`: a list of a code and a text. A missing text counts as empty, and further items
  ///   are ignored. Without a code the error is a refusal all the same, a generic one.
  init(_ value: BencodeValue?, in bytes: RawSpan) {
    guard let value, value.form == .list, value.count > 0 else {
      self.init(Self.generic, "")
      return
    }
    var reader = BencodeReader(at: value.start)
    let code = (try? reader.value(in: bytes, depth: 1))?.integer(in: bytes)
    var text: String?
    if reader.position < value.end {
      text = (try? reader.value(in: bytes, depth: 1))?.text(in: bytes)
    }
    self.init(code.flatMap { Int(exactly: $0) } ?? Self.generic, text ?? "")
  }
}
