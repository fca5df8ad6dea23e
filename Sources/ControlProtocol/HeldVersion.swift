/// The version of a key that a node holds.
package struct HeldVersion: Codable, Hashable, Sendable {
  /// Its seq; of two versions the greater one is the newer.
  package var seq: Int64
  /// When it expires, in seconds since the epoch.
  package var expires: Int64
  /// Whether it is a tombstone: the key was deleted, and this hides what was there before.
  package var deleted: Bool

  /// A value, or the deletion of one.
  package init(seq: Int64, expires: Int64, deleted: Bool) {
    self.seq = seq
    self.expires = expires
    self.deleted = deleted
  }
}
