import Kademlia

extension RPCError {
  /// Reads an error.
  ///
  /// - Parameter value: `e`: a list of a code and a text. A missing text counts as empty, and further items
  ///   are ignored.
  init(_ value: BencodeValue?, in bytes: RawSpan) throws(MalformedMessage.Reason) {
    guard let value, value.form == .list, value.count > 0 else { throw .noErrorCode }
    var reader = BencodeReader(at: value.start)
    guard let number = try reader.value(in: bytes, depth: 1).integer(in: bytes),
      let code = Int(exactly: number)
    else { throw .noErrorCode }
    var text: String?
    if reader.position < value.end {
      text = try reader.value(in: bytes, depth: 1).text(in: bytes)
    }
    self.init(code, text ?? "")
  }
}
