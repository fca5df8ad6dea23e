/// The parameters of `lookup`: a point, or a key that hashes to one.
package enum LookupParams: Hashable, Sendable {
  /// A point of 20 bytes; 40 hexadecimal digits on the wire.
  case target([UInt8])
  /// A key of at least one byte.
  case key([UInt8])

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("target") else {
      guard let key = try reader.optionalBytes("key") else {
        throw .invalidParam("target", "lookup needs one of target, key and key_base64")
      }
      self = .key(try ParamReader.checkedKey(key))
      return
    }
    guard try reader.optionalBytes("key") == nil else {
      throw .invalidParam("target", "lookup takes target or a key, not both; send one of them")
    }
    guard let target = Hex.bytes(text), target.count == 20 else {
      throw .invalidParam("target", "target must be 40 hexadecimal digits")
    }
    self = .target(target)
  }
}
