import ArgumentParser
import ControlProtocol
import Signatures

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Create and show keys that sign records.",
    subcommands: [KeyGenerate.self, KeyShow.self])
}

struct KeyGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Create a key, and print its public key.",
    discussion: "Anyone with the file can write the records of that key. Keep it secret, and keep a backup.")

  @Argument(help: "The file to create, readable by you alone.")
  var file: String

  func run() throws {
    guard let key = SigningKey.random() else {
      throw Failure(.failed, "cannot create a key; check the free memory", reason: "signing")
    }
    try SecretFile.write(key, to: file)
    var output = Output()
    try output.write(Hex.string(key.publicKey.bytes) + "\n")
    try output.flush()
  }
}

struct KeyShow: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print the public key, by which its records are read.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "A file of 'dhtctl key generate'. (default: the key of the node)")
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
