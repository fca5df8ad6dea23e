/// Marks a state directory as that of a private network. So a lost key or credential never brings its
/// records and contacts into an open network.
package enum NetworkMarker {
  /// The marker file, which contains the name of the network.
  package static let fileName = "private-network"

  /// Checks that a node from a private network does not start in an open one, and writes the marker if the
  /// node is in a private network now.
  ///
  /// - Parameter network: the name of the private network; nil for an open one.
  /// - Throws: `StateDirectoryError`.
  package static func check(_ network: String?, in directory: StateDirectory) throws(StateDirectoryError) {
    let marked = try directory.read(fileName, limit: 64).map { String(decoding: $0, as: UTF8.self) }
    guard let network else {
      if let marked { throw .isPrivate(path: directory.path + "/" + fileName, network: marked) }
      return
    }
    if marked != network { try directory.write(Array(network.utf8), to: fileName) }
  }
}
