import ArgumentParser
import ControlProtocol

struct ForgetCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Forget nodes that are gone for good.",
    discussion: """
      A node counts those that it had, even while they do not answer: they may hold the newest values. If most of \
      them are silent, it cannot tell "not found" from "unreachable", and its puts are weak. That ends when most of \
      them answer again, after a day, or with this command. 'dhtctl peers' lists the silent nodes.
      """)

  @OptionGroup var options: GlobalOptions
  @Flag(help: "Forget all silent nodes, and bootstrap names at which no node has answered.")
  var unreachable = false
  @Argument(help: "The ID of a silent node: 40 hexadecimal digits.")
  var nodeID: String?

  private var params: ForgetParams? {
    switch (nodeID, unreachable) {
    case (nil, true): .unreachable
    case (let text?, false): Hex.bytes(text).flatMap { $0.count == 20 ? .node($0) : nil }
    default: nil
    }
  }

  func validate() throws {
    guard params == nil else { return }
    throw ValidationError(
      nodeID == nil || unreachable
        ? "give either the ID of a node or --unreachable" : "NODE_ID must be 40 hexadecimal digits")
  }

  func run() throws {
    guard let params else { return }
    try options.run(.forget(params)) { result in
      guard case .forget(let forget) = result else { return "" }
      return Rendering.forget(forget)
    }
  }
}
