import ArgumentParser
import ControlProtocol

struct Lookup: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Find the nodes closest to a key or a target, and show the steps.",
    discussion: "For a key it also shows which version of it each node holds.")

  @OptionGroup var options: GlobalOptions
  @Option(help: ArgumentHelp("A target instead of a key: 40 hexadecimal digits.", valueName: "hex"))
  var target: String?
  @Argument(help: "The key.")
  var key: String?

  private func params() throws -> LookupParams {
    switch (key, target) {
    case (let key?, nil):
      try Key.check(key)
      return .key(Array(key.utf8))
    case (nil, let target?):
      guard let bytes = Hex.bytes(target), bytes.count == 20 else {
        throw ValidationError("a target has 40 hexadecimal digits")
      }
      return .target(bytes)
    default: throw ValidationError("give a key or --target, one of them")
    }
  }

  func validate() throws { _ = try params() }

  func run() throws {
    try options.run(.lookup(params())) { result in
      guard case .lookup(let lookup) = result else { return "" }
      return Rendering.lookup(lookup, ofKey: key != nil)
    }
  }
}

struct Ping: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "ping", abstract: "Ask whether a node is there, and how far away.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "HOST:PORT or [IPv6]:PORT.", transform: parseAddress)
  var address: HostPort

  func run() throws {
    try options.run(.ping(PingParams(address: address))) { result in
      guard case .ping(let ping) = result else { return "" }
      return Rendering.ping(ping)
    }
  }
}

struct Bootstrap: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "bootstrap", abstract: "Join the network by way of other nodes.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "HOST:PORT or [IPv6]:PORT, one or more.", transform: parseAddress)
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

@Sendable private func parseAddress(_ text: String) throws -> HostPort {
  do {
    return try HostPort(text)
  } catch {
    throw ValidationError(error.description)
  }
}
