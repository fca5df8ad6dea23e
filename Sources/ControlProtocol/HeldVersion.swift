/// The version of a key that a node holds.
package struct HeldVersion: Codable, Hashable, Sendable {
  /// Its seq. The greater seq of two is the newer version.
  package var seq: Int64
  /// The expiry time, in seconds since the epoch.
  package var expires: Int64
  /// True if it is a tombstone, which hides older versions of a deleted key.
  package var deleted: Bool

  /// A value, or its deletion.
  package init(seq: Int64, expires: Int64, deleted: Bool) {
    self.seq = seq
    self.expires = expires
    self.deleted = deleted
  }
}
