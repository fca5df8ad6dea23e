/// A file in the state directory that says that its records and contacts are those of a private network: so no
/// lost key or credential ever brings them into an open one.
package enum NetworkMarker {
  /// The file; its content is the name of the network.
  package static let fileName = "private-network"

  /// Checks that a node that has been in a private network does not start in an open one, and notes it if it
  /// is in one now.
  ///
  /// - Parameter network: the name of the private network; nil: an open one.
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
