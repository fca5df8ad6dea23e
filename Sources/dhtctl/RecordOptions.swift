import ArgumentParser
import ControlProtocol

/// The options for records that only one owner can write.
struct RecordOptions: ParsableArguments {
  @Flag(help: "A record that only its owner can write; NAME has at most 64 bytes.")
  var sign = false
  @Option(
    name: .customLong("key"),
    help: ArgumentHelp(
      "The key to sign with, from 'dhtctl key generate'. (default: the node's own)", valueName: "file"))
  var keyFile: String?
  @Flag(help: "A signed record that can be read and written only with its name and passphrase.")
  var sealed = false
  @Option(
    help: ArgumentHelp(
      "A file with the passphrase as its first line. (default: ask on the terminal)",
      valueName: "file"))
  var passphraseFile: String?

  func validate() throws {
    if sign && sealed { throw ValidationError("give --sign or --sealed, not both") }
    if keyFile != nil && !sign { throw ValidationError("--key is for --sign") }
    if passphraseFile != nil && !sealed { throw ValidationError("--passphrase-file is for --sealed") }
  }
}

extension RecordOptions {
  /// The writer for a record that is signed by dhtctl; nil if the node signs it or it is not signed.
  func writer(of name: [UInt8]) throws(Failure) -> RecordWriter? {
    if sealed { return RecordWriter(signer: try sealedName(name, isNew: false).signer, salt: []) }
    guard let keyFile else { return nil }
    return RecordWriter(signer: try SecretFile.key(in: keyFile), salt: name)
  }

  func sealedName(_ name: [UInt8], isNew: Bool) throws(Failure) -> SealedName {
    try Self.sealedName(name, passphraseFile: passphraseFile, isNew: isNew)
  }

  static func sealedName(
    _ name: [UInt8], passphraseFile: String?, isNew: Bool
  ) throws(Failure) -> SealedName {
    let passphrase = try SecretFile.passphrase(in: passphraseFile, isNew: isNew)
    guard let sealed = SealedName(name, passphrase: passphrase) else {
      throw Failure(.failed, "not enough memory to derive the key, which takes 128 MiB", reason: "sealed")
    }
    return sealed
  }
}
