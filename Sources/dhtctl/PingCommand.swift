import ArgumentParser
import ControlProtocol

struct PingCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "ping", abstract: "Check that a node answers, and measure its round trip.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "HOST:PORT or [IPv6]:PORT.", transform: HostPort.argument)
  var address: HostPort

  func run() throws {
    try options.run(.ping(PingParams(address: address))) { result in
      guard case .ping(let ping) = result else { return "" }
      return Rendering.ping(ping)
    }
  }
}
