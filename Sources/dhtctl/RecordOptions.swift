import ArgumentParser
import ControlProtocol

/// Which records that only one can write a command is about.
struct RecordOptions: ParsableArguments {
  @Flag(help: "A record that only its owner can write; NAME has at most 64 bytes.")
  var sign = false
  @Option(
    name: .customLong("key"),
    help: ArgumentHelp(
      "The key to sign with, of 'dhtctl key generate'; otherwise it is the node's own.", valueName: "file"))
  var keyFile: String?
  @Flag(help: "A signed record that only those read and write who know its name and passphrase.")
  var sealed = false
  @Option(
    help: ArgumentHelp(
      "A file with the passphrase as its first line; otherwise it is asked for on the terminal.",
      valueName: "file"))
  var passphraseFile: String?

  func validate() throws {
    if sign && sealed { throw ValidationError("give --sign or --sealed, not both") }
    if keyFile != nil && !sign { throw ValidationError("--key is for --sign") }
    if passphraseFile != nil && !sealed { throw ValidationError("--passphrase-file is for --sealed") }
  }
}
