import ArgumentParser
package import ControlProtocol

struct KeyringCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keyring",
    abstract: "Show and change the keys of a private network.",
    discussion: """
      All keys decrypt datagrams of other nodes, and the first encrypts those of this node. To change the key, add the \
      new one at every node, then use it at every node, then remove the old one: no request fails meanwhile. \
      Keys are named by their fingerprints and are never shown.
      """,
    subcommands: [KeyringList.self, KeyringAdd.self, KeyringUse.self, KeyringRemove.self])

  @OptionGroup var options: GlobalOptions

  func run() throws {
    throw Failure.usage("keyring takes list, add, use or remove; see 'dhtctl keyring --help'")
  }
}

struct KeyringList: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the keys by their fingerprints.")

  @OptionGroup var options: GlobalOptions

  func run() throws { try options.runKeyring(.keyringList) }
}

struct KeyringAdd: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a key, which decrypts datagrams of other nodes.")

  @OptionGroup var options: GlobalOptions
  @Argument(
    help: ArgumentHelp(
      "A file with the key, as dhtd --generate-key prints it; '-' reads standard input. Without it the terminal asks for the key. A key itself is never an argument, because all users of the machine can read arguments.",
      valueName: "file"))
  var file: String?

  func run() throws {
    let key = try KeyInput(file).read()
    try options.runKeyring(.keyringAdd(KeyringAddParams(networkKey: key)))
  }
}

struct KeyringUse: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "use", abstract: "Encrypt the datagrams of this node with another key.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The fingerprint of the key.")
  var fingerprint: String

  func run() throws { try options.runKeyring(.keyringUse(KeyringParams(fingerprint: fingerprint))) }
}

struct KeyringRemove: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a key that does not encrypt.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The fingerprint of the key.")
  var fingerprint: String

  func run() throws { try options.runKeyring(.keyringRemove(KeyringParams(fingerprint: fingerprint))) }
}

extension GlobalOptions {
  /// Sends a request about the keyring and shows the result. If the change was not saved, an error says so.
  fileprivate func runKeyring(_ request: ControlRequest) throws(Failure) {
    var client = try connect()
    guard case .keyring(let keyring) = try client.call(request) else { return }
    try print(json: keyring) { Rendering.keyring(keyring) }
    if let note = keyring.note, !json {
      Output.printError("dhtctl: not saved: \(TerminalText.escaped(note))")
    }
  }
}

extension Rendering {
  /// The table of the keys by fingerprint.
  package static func keyring(_ keyring: KeyringResult) -> String {
    var table = TextTable(("KEY", .left), ("USE", .left))
    for key in keyring.keys { table.append(safe(key.fingerprint), key.seals ? "seals and opens" : "opens") }
    return "Network '\(safe(keyring.network))', keys from \(safe(keyring.path))\n\n" + table.text
  }
}
