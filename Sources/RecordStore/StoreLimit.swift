/// The limit on a store's size.
struct StoreLimit: Hashable, Sendable {
  /// The most bytes of the file.
  let maxBytes: Int

  /// The bytes kept free for copies on write, so that removing and replacing work in a full store: an
  /// eighth, at least 1 MiB, but at most half.
  var reserve: Int { max(maxBytes / 8, min(1 << 20, maxBytes / 2)) }

  /// The bytes in use at which new entries are refused.
  var threshold: Int { max(0, maxBytes - reserve) }
}
