/// The parameters of `keys`.
package struct KeysParams: Hashable, Sendable {
  /// The prefix of the keys; empty for all keys.
  package var prefix: [UInt8]
  /// The most keys of the page, from 1 to `ControlLimits.maxKeysPage`.
  package var limit: Int64
  /// The `cursor` of the previous page; nil for the first page.
  package var cursor: String?

  /// A page of the keys that this node holds.
  package init(
    prefix: [UInt8] = [], limit: Int64 = ControlLimits.defaultKeysPage, cursor: String? = nil
  ) {
    self.prefix = prefix
    self.limit = limit
    self.cursor = cursor
  }

  init(_ reader: ParamReader) throws(ControlError) {
    prefix = try reader.optionalBytes("prefix") ?? []
    limit =
      try reader.optionalInteger("limit", in: 1...ControlLimits.maxKeysPage)
      ?? ControlLimits.defaultKeysPage
    cursor = try reader.optionalString("cursor")
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if !prefix.isEmpty { try container.encodeBytes(prefix, as: "prefix") }
    try container.encode(limit, forKey: "limit")
    try container.encodeIfPresent(cursor, forKey: "cursor")
  }
}
