import ArgumentParser
import ControlProtocol
import Signatures

struct GetCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print the value of a key, byte for byte.")

  @OptionGroup var options: GlobalOptions
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Let the node answer with a copy that is at most this old: seconds, or a number with s, m, h, d or w. 0 always asks the network, so that no copy hides a confirmed put. (default: 0)",
      valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text) else {
        throw ValidationError(
          "use for example 90s or 5m; 0 always asks the network")
      }
      return seconds
    })
  var maxAge: Int64 = 0
  @Flag(help: "Fail if too few nodes answer to tell whether the value is the newest version.")
  var strict = false
  @Flag(help: "Also show the steps of the lookup, on standard error or as part of the JSON.")
  var trace = false
  @Flag(help: "Read a value of 'put --immutable'; the key is the address that it printed.")
  var immutable = false
  @Option(
    help: ArgumentHelp(
      "Read a record signed with this public key; 'self' for the key of the node.",
      valueName: "public-key"),
    transform: { text in
      guard text != "self" else { return [] }
      guard let key = Hex.bytes(text).flatMap({ PublicKey($0) }) else {
        throw ValidationError("a public key has 64 hexadecimal digits; 'dhtctl key show' prints one")
      }
      return key.bytes
    })
  var from: [UInt8]?
  @Flag(help: "Read a value of 'put --sealed'.")
  var sealed = false
  @Option(
    help: ArgumentHelp(
      "A file with the passphrase as its first line; otherwise it is asked for on the terminal.",
      valueName: "file"))
  var passphraseFile: String?
  @Argument(help: "The key, or the name or address of a record that is not plain.")
  var key: String

  func validate() throws {
    guard [immutable, from != nil, sealed].count(where: { $0 }) <= 1 else {
      throw ValidationError("give only one of --immutable, --from and --sealed")
    }
    if passphraseFile != nil && !sealed { throw ValidationError("--passphrase-file is for --sealed") }
    if immutable {
      guard Hex.bytes(key)?.count == 20 else { throw ValidationError("an address has 40 hexadecimal digits") }
    } else if from != nil || sealed {
      try KeyArgument.check(name: key, isSealed: sealed)
    } else {
      try KeyArgument.check(key)
    }
  }

  func run() throws {
    let seal =
      sealed
      ? try RecordOptions.sealedName(Array(key.utf8), passphraseFile: passphraseFile, isNew: false) : nil
    var client = try options.connect()
    var get: GetResult
    do throws(Failure) {
      guard case .get(let result) = try client.call(.get(params(seal))) else { return }
      get = result
    } catch {
      if let steps = error.error?.data.steps { show(steps) }
      guard seal != nil, error.status == .notFound else { throw error }
      // Name and passphrase together make the address.
      throw Failure(
        .notFound, "no record is sealed with this name and passphrase; check both", reason: "not_found")
    }
    if let seal {
      guard !get.isBencoded, let value = seal.open(get.value, seq: get.seq) else {
        throw Failure(
          .failed, "the record was not sealed with this passphrase; check the passphrase",
          reason: "sealed")
      }
      get.value = value
    }
    try show(get)
    if get.isUnconfirmed, !options.json {
      Output.printError(
        "dhtctl: warning: too few nodes answered to tell whether this is the newest version of the value")
    }
    if let steps = get.steps { show(steps, age: get.age) }
  }

  private func params(_ seal: SealedName?) -> GetParams {
    if immutable { return GetParams(target: Hex.bytes(key) ?? [], maxAge: maxAge, trace: trace) }
    var params = GetParams(key: seal == nil ? Array(key.utf8) : [], maxAge: maxAge, trace: trace)
    params.isStrict = strict
    if let owner = seal?.signer.publicKey.bytes ?? from {
      params.kind = .signed
      params.publicKey = owner.isEmpty ? nil : owner
    }
    return params
  }

  private func show(_ get: GetResult) throws(Failure) {
    var output = Output()
    if options.json {
      try output.write(JSONText.line(get))
    } else if Output.isTerminal {
      try output.write(Rendering.valueForTerminal(get.value))
    } else {
      try output.write(get.value)
    }
    try output.flush()
  }

  /// Writes the steps to standard error, because standard output has only the value. In JSON the steps are
  /// part of the answer.
  private func show(_ steps: [LookupStep], age: Int64? = nil) {
    if !options.json { Output.printNote(Rendering.trace(steps, age: age)) }
  }
}
