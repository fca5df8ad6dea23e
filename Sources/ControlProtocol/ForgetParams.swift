/// The parameters of `forget`.
package enum ForgetParams: Hashable, Sendable {
  /// The silent node with this ID of 20 bytes.
  case node([UInt8])
  /// All silent nodes, and the bootstrap names at which no node has answered.
  case unreachable

  init(_ reader: ParamReader) throws(ControlError) {
    let isForAll = try reader.optionalBoolean("unreachable") ?? false
    guard let text = try reader.optionalString("node_id") else {
      guard isForAll else { throw .missingParam("node_id") }
      self = .unreachable
      return
    }
    guard !isForAll else {
      throw .invalidParam("unreachable", "give either node_id or unreachable, not both")
    }
    guard let bytes = Hex.bytes(text), bytes.count == 20 else {
      throw .invalidParam("node_id", "node_id must be 40 hexadecimal digits")
    }
    self = .node(bytes)
  }
}
