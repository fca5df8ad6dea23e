package import Kademlia
package import NodeTime

/// The nodes that a node does not reach, saved in its state directory. They count over a restart: a node that was cut
/// off must not take its own view for the network's because it was restarted.
///
/// The file has a line for each silent node, with its address, its ID and the time at which it fell silent, and a line
/// for each bootstrap name whose nodes the user has forgotten.
package struct UnreachableNodes: Hashable, Sendable {
  /// The file in the state directory.
  package static let fileName = "unreachable"
  /// The most nodes that are saved.
  package static let limit = 256
  /// The longest line has a host name of 253 bytes, or an address, an ID and a time.
  private static let maxBytes = limit * 300

  /// The nodes that have fallen silent.
  package var nodes: [SilentNode] = []
  /// The bootstrap names whose nodes the user has forgotten.
  package var forgottenNames: [NodeName] = []

  package init() {}

  /// Reads the file; no nodes if there is none.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(from directory: StateDirectory, _ now: WallTime) throws(StateDirectoryError) {
    let bytes = try directory.read(Self.fileName, limit: Self.maxBytes) ?? []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(Self.limit) {
      let words = line.split(separator: " ")
      switch (words.first, words.count) {
      case ("silent", 4):
        guard let endpoint = Endpoint(text: words[1]), let id = NodeID(hex: words[2]),
          let since = Int64(words[3])
        else { continue }
        // The clock may have been set since.
        let (age, overflow) = now.seconds.subtractingReportingOverflow(since)
        guard !overflow, (0...Self.longestSilence).contains(age) else { continue }
        nodes.append(SilentNode(Peer(id: id, endpoint: endpoint), for: .seconds(age)))
      case ("forgotten", 3):
        guard let port = UInt16(words[2]) else { continue }
        forgottenNames.append(NodeName(host: String(words[1]), port: port))
      default: continue
      }
    }
  }

  /// A silent node counts for a day, in seconds.
  private static let longestSilence: Int64 = 24 * 3600

  /// Replaces the file.
  ///
  /// - Throws: `StateDirectoryError`.
  package func write(to directory: StateDirectory, _ now: WallTime) throws(StateDirectoryError) {
    let forgotten = forgottenNames.map { "forgotten \($0.host) \($0.port)\n" }
    let silent = nodes.map { node in
      "silent \(node.peer.endpoint) \(node.peer.id) \(now.seconds - node.duration.components.seconds)\n"
    }
    try directory.write(Array((forgotten + silent).prefix(Self.limit).joined().utf8), to: Self.fileName)
  }
}

/// The other nodes that a node knows at one moment, and that are worth saving for its next start.
package struct KnownNodes: Sendable {
  /// The contacts, those that answered last first.
  package var contacts: [Peer]
  /// The nodes that it does not reach.
  package var unreachable: UnreachableNodes
}
