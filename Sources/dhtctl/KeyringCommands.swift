import ArgumentParser
package import ControlProtocol

struct Keyring: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keyring",
    abstract: "Show and change the keys of a private network.",
    discussion: """
      All keys open what other nodes send, the first seals what this node sends. To change the key, add the \
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
    commandName: "add", abstract: "Have a further key open what other nodes send.")

  @OptionGroup var options: GlobalOptions
  @Argument(
    help: ArgumentHelp(
      "A file with the key, as dhtd --generate-key prints it; '-' reads standard input. Without it the key is asked for on the terminal. A key itself is never an argument: all users of the machine see those.",
      valueName: "file"))
  var file: String?

  func run() throws {
    let key = try KeyInput(file).read()
    try options.runKeyring(.keyringAdd(KeyringAddParams(networkKey: key)))
  }
}

struct KeyringUse: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "use", abstract: "Have a key seal what this node sends.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The fingerprint of the key.")
  var fingerprint: String

  func run() throws { try options.runKeyring(.keyringUse(KeyringParams(fingerprint: fingerprint))) }
}

struct KeyringRemove: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a key that does not seal.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The fingerprint of the key.")
  var fingerprint: String

  func run() throws { try options.runKeyring(.keyringRemove(KeyringParams(fingerprint: fingerprint))) }
}

extension GlobalOptions {
  /// Sends a request about the keyring and shows how that is then. That a change was not saved is told
  /// beside it.
  fileprivate func runKeyring(_ request: ControlRequest) throws(Failure) {
    var client = try connect()
    guard case .keyring(let keyring) = try client.call(request) else { return }
    try print(json: keyring) { Rendering.keyring(keyring) }
    if let note = keyring.note, !json { Output.complain("dhtctl: not saved: \(TerminalText.escaped(note))") }
  }
}

extension Rendering {
  /// The keys of a ring by their fingerprints.
  package static func keyring(_ keyring: KeyringResult) -> String {
    var table = Table(("KEY", .left), ("USE", .left))
    for key in keyring.keys { table.append(safe(key.fingerprint), key.seals ? "seals and opens" : "opens") }
    return "Network '\(safe(keyring.network))', keys from \(safe(keyring.path))\n\n" + table.text
  }
}
