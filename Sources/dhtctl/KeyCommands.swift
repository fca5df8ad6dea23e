import ArgumentParser
import ControlProtocol
import Signatures

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make keys to sign records with, and show them.",
    subcommands: [KeyGenerate.self, KeyShow.self])
}

struct KeyGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Make a key, and print its public half.",
    discussion: "Whoever has the file can write the records of that key: keep it, and keep it to yourself.")

  @Argument(help: "The file to make, readable by you alone.")
  var file: String

  func run() throws {
    guard let key = SigningKey.random() else {
      throw Failure(.failed, "no key could be made; is there memory left?", reason: "signing")
    }
    try SecretFile.write(key, to: file)
    var output = Output()
    try output.write(Hex.string(key.publicKey.bytes) + "\n")
    try output.flush()
  }
}

struct KeyShow: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print the public half of a key, by which its records are read.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "A file of 'dhtctl key generate'; otherwise it is the key of the node.")
  var file: String?

  private struct Shown: Encodable {
    let public_key: String
  }

  func run() throws {
    let key: String
    if let file {
      key = Hex.string(try SecretFile.key(in: file).publicKey.bytes)
    } else {
      var client = try options.connect()
      guard case .status(let status) = try client.call(.status) else { return }
      key = status.recordKey
    }
    try options.print(json: Shown(public_key: key)) { key + "\n" }
  }
}
