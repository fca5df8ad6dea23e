/// The parameters of `delete`.
package struct DeleteParams: Hashable, Sendable {
  /// The kind of record to delete: plain, or signed by the daemon's own record key.
  package var kind = RecordKindName.plain
  /// The key, as in `PutParams`.
  package var key: [UInt8]

  /// A deletion of a key.
  package init(key: [UInt8]) { self.key = key }

  init(_ reader: ParamReader) throws(ControlError) {
    kind = try reader.kind()
    switch kind {
    case .plain: key = try reader.key()
    case .signed: key = try reader.optionalBytes("key") ?? []
    case .immutable: throw .invalidParam("kind", "nobody can delete an immutable record; it expires")
    }
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    try container.encodeBytes(key, as: "key")
  }
}
