import CDatagrams
import Kademlia

/// The paths by which the latest datagrams of other endpoints came.
///
/// A socket that is bound to a wildcard address receives at every address of the machine. An asker expects the answer
/// from the address that it asked, and a link-local asker can be reached only through the interface that its query
/// came by. Where neither applies, no path is kept and nothing is looked up.
struct ReturnPaths {
  private struct Entry {
    let endpoint: Endpoint
    let path: cdatagrams_path
  }

  /// The entries, each at the place that its endpoint determines. An answer usually leaves while its query is handled,
  /// so that it matters little that two endpoints may share a place.
  private var entries: [Entry?] = []

  private static let capacity = 1024

  /// Notes the path of a datagram. One without an address and an interface is not worth a note.
  mutating func note(_ path: cdatagrams_path, of source: Endpoint) {
    guard path.has_address != 0 || path.interface != 0 else { return }
    if entries.isEmpty { entries = Array(repeating: nil, count: Self.capacity) }
    entries[Self.place(of: source)] = Entry(endpoint: source, path: path)
  }

  /// The path to an endpoint; one without an address if none is known.
  func path(to endpoint: Endpoint) -> cdatagrams_path {
    guard !entries.isEmpty, let entry = entries[Self.place(of: endpoint)], entry.endpoint == endpoint else {
      return cdatagrams_path()
    }
    return entry.path
  }

  private static func place(of endpoint: Endpoint) -> Int {
    let bits: UInt64 =
      switch endpoint.address {
      case .v4(let bits): UInt64(bits)
      case .v6(let high, let low): high ^ low
      }
    let mixed = (bits ^ (UInt64(endpoint.port) << 40)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 54)
  }
}
