/// How much a node takes from others, and gives to those who may not be who they say they are.
///
/// A bucket of any of the rates holds as much as comes in a second, where nothing else is said.
package struct FloodLimits: Hashable, Sendable {
  /// Whether addresses of this machine have these limits, too.
  package enum Loopback: String, CaseIterable, Sendable {
    /// They have none: whoever can send from there has other means to do harm.
    case exempt
    /// They have, as for tests.
    case counted
  }

  /// Datagrams a second from one source: an IPv4 address, or an IPv6 network of 64 bits.
  package var requestsPerSource = 8192
  /// Bytes a second from one source.
  package var bytesPerSource = 8 << 20
  /// Records a second that one source may store.
  package var storesPerSource = 4096
  /// Datagrams a second from all sources together. The lower half of the bucket is for those that are
  /// proven.
  package var requests = 32_768
  /// Bytes a second from all sources together.
  package var bytes = 32 << 20
  /// Bytes a second of answers to all unproven addresses of one IPv4 network of 24 bits, or one of IPv6 of
  /// 64. The bucket holds what comes in 8 seconds, so that the nodes of a network may start together.
  package var unprovenBytes = 32 << 10
  /// How many sources are remembered, and networks of unproven ones.
  package var sources = 8192
  /// Whether addresses of this machine have these limits, too.
  package var loopback = Loopback.exempt

  package init() {}
}
