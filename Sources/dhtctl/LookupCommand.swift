import ArgumentParser
import ControlProtocol

struct LookupCommand: TakesGlobalOptions {
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
      try KeyArgument.check(key)
      return .key(Array(key.utf8))
    case (nil, let target?):
      guard let bytes = Hex.bytes(target), bytes.count == 20 else {
        throw ValidationError("a target has 40 hexadecimal digits")
      }
      return .target(bytes)
    default: throw ValidationError("give either a key or --target")
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
