package import Kademlia

/// The contacts of a node, saved in its state directory. With them the node finds the network again after a
/// restart, even if no bootstrap node is up.
///
/// The file has a line for each contact, with its address and its ID. Each is pinged for its ID like any
/// other node, so a wrong line costs a ping.
package enum SavedContacts {
  /// The file in the state directory.
  package static let fileName = "contacts"
  /// The most contacts that are saved.
  package static let limit = 64
  /// The longest line: an IPv6 address with brackets and port, the ID, a blank and a line feed.
  private static let maxBytes = limit * (47 + 40 + 2)

  /// Reads the contacts; none if there is no file, or its content is invalid.
  ///
  /// - Throws: `StateDirectoryError`.
  package static func read(from directory: StateDirectory) throws(StateDirectoryError) -> [Peer] {
    let bytes = try directory.read(fileName, limit: maxBytes) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(limit)
    return lines.compactMap { Peer(line: $0) }
  }

  /// Replaces the saved contacts.
  ///
  /// - Parameter contacts: the first `limit` of them are kept.
  /// - Throws: `StateDirectoryError`.
  package static func write(
    _ contacts: [Peer], to directory: StateDirectory
  ) throws(StateDirectoryError) {
    let text = contacts.prefix(limit).map { "\($0.endpoint) \($0.id)\n" }.joined()
    try directory.write(Array(text.utf8), to: fileName)
  }
}

extension Peer {
  /// Parses a line of the file; nil for anything else.
  fileprivate init?(line: Substring) {
    let words = line.split(separator: " ")
    guard words.count == 2, let endpoint = Endpoint(text: words[0]), let id = NodeID(hex: words[1]) else {
      return nil
    }
    self.init(id: id, endpoint: endpoint)
  }
}

extension NodeID {
  /// Parses an ID in the format of `description`: 40 hexadecimal digits; nil for anything else.
  init?(hex: Substring) {
    guard hex.utf8.count == 40 else { return nil }
    var bytes: [UInt8] = []
    var rest = hex
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    self.init(bytes: bytes)
  }
}

extension Endpoint {
  /// Parses an address in the format of `description`; nil for anything else.
  init?(text: Substring) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port != 0
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard let address = IPAddress(String(host)) else { return nil }
    self.init(address, port: port)
  }
}
