import ArgumentParser
import ControlProtocol

struct BootstrapCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "bootstrap", abstract: "Join the network through other nodes.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "HOST:PORT or [IPv6]:PORT, one or more.", transform: HostPort.argument)
  var addresses: [HostPort]

  func validate() throws {
    if addresses.count > ControlLimits.maxBootstrapAddresses {
      throw ValidationError("give at most \(ControlLimits.maxBootstrapAddresses) addresses")
    }
  }

  func run() throws {
    try options.run(.bootstrap(BootstrapParams(addresses: addresses))) { result in
      guard case .bootstrap(let bootstrap) = result else { return "" }
      return Rendering.bootstrap(bootstrap)
    }
  }
}
