import ArgumentParser
import ControlProtocol

struct PeersCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "peers", abstract: "List the contacts of the routing table.")

  @OptionGroup var options: GlobalOptions

  func run() throws {
    try options.run(.peers) { result in
      guard case .peers(let peers) = result else { return "" }
      return Rendering.peers(peers)
    }
  }
}
