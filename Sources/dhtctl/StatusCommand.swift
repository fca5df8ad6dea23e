import ArgumentParser
import ControlProtocol

struct StatusCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show the state of the node and its counters.")

  @OptionGroup var options: GlobalOptions

  func run() throws {
    try options.run(.status) { result in
      guard case .status(let status) = result else { return "" }
      return Rendering.status(status)
    }
  }
}
