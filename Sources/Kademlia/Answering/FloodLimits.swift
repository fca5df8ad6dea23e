/// The limits on the traffic that a node accepts from others, and on its answers to unproven addresses.
///
/// The bucket of each rate holds one second's worth unless stated otherwise.
package struct FloodLimits: Hashable, Sendable {
  /// The treatment of this machine's loopback addresses.
  package enum Loopback: String, CaseIterable, Sendable {
    /// No limits: anyone who can send from there has other means to do harm.
    case exempt
    /// The same limits as for other addresses, for example for tests.
    case counted
  }

  /// Datagrams a second from one source: an IPv4 address, or an IPv6 network of 64 bits.
  package var requestsPerSource = 8192
  /// Bytes a second from one source.
  package var bytesPerSource = 8 << 20
  /// Records a second that one source may store.
  package var storesPerSource = 4096
  /// Datagrams a second from all sources together. The lower half of the bucket is reserved for proven
  /// sources.
  package var requests = 32_768
  /// Bytes a second from all sources together.
  package var bytes = 32 << 20
  /// Bytes a second of answers to all unproven addresses of one IPv4 network of 24 bits, or one of IPv6 of
  /// 64. The bucket holds 8 seconds' worth, so that the nodes of a network may start together.
  package var unprovenBytes = 32 << 10
  /// The number of sources remembered, and also of networks of unproven ones.
  package var sources = 8192
  /// The treatment of this machine's loopback addresses.
  package var loopback = Loopback.exempt

  package init() {}
}
