import Kademlia
import NIOCore

/// The contacts that a node had, kept in its state directory: through them it finds the network again
/// after a restart, even if no bootstrap node is up.
///
/// The file has the address of one node on each line. A node at such an address is asked for its ID
/// like any other, so that a wrong line costs a ping.
package enum SavedContacts {
  /// The file in the state directory.
  package static let fileName = "contacts"
  /// As many as are worth asking at a start.
  package static let limit = 64
  /// The longest line is that of an IPv6 address with brackets and port, and its line feed.
  private static let maxBytes = limit * 48

  /// Reads the addresses; none if there is no file, or no sense in it.
  ///
  /// - Throws: `StateDirectoryError`.
  package static func read(from directory: StateDirectory) throws(StateDirectoryError) -> [Endpoint] {
    let bytes = try directory.read(fileName, limit: maxBytes) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(limit)
    return lines.compactMap { Endpoint(text: $0) }
  }

  /// Takes the place of what was saved before.
  ///
  /// - Parameter endpoints: the `limit` first of them are kept.
  /// - Throws: `StateDirectoryError`.
  package static func write(
    _ endpoints: [Endpoint], to directory: StateDirectory
  ) throws(StateDirectoryError) {
    let text = endpoints.prefix(limit).map { "\($0)\n" }.joined()
    try directory.write(Array(text.utf8), to: fileName)
  }
}

extension Endpoint {
  /// Reads an address as `description` writes it; nil for anything else.
  fileprivate init?(text: Substring) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port != 0
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard let address = try? SocketAddress(ipAddress: String(host), port: Int(port)) else { return nil }
    self.init(address)
  }
}
