import ArgumentParser
import ControlProtocol
import Signatures

struct Put: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Store a value under a key.",
    discussion: """
      A put is done when a majority of the nodes closest to the key confirmed it. A conflict or a \
      failed quorum means that it is unknown whether the value lasts, not that it was undone.

      Anyone can write a key. What is put with --immutable nobody can change: it is read by an address that \
      its content makes, and the only argument is the value. What is put with --sign only the owner of a key \
      can change. With --sealed it can also only be read by those who know its name and passphrase; a weak \
      passphrase can be guessed by whoever holds the record.
      """)

  @OptionGroup var options: GlobalOptions
  // A value that begins with a dash is a wrong value, and not an option.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How long the value lives: seconds, or a number with s, m, h, d or w. At most 30d. (default: 24h)",
      valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text), (1...ControlLimits.maxTTL).contains(seconds) else {
        throw ValidationError("a time to live is such as 90s, 2h or 7d, and at most 30d")
      }
      return seconds
    })
  var ttl: Int64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Store only over the version with this seq; 0: only if the key has no value.", valueName: "n"))
  var ifSeq: Int64?
  @Flag(help: "Take the value as it is, even where it is '-' or begins with '@'.")
  var literal = false
  @Flag(help: "A record that nobody can change; prints the address to read it by.")
  var immutable = false
  @OptionGroup var record: RecordOptions
  @Flag(help: "The value is bencoded already, for a record with --immutable or --sign of another type.")
  var bencoded = false
  @Argument(help: "The key, or the name of a record with --sign or --sealed; none with --immutable.")
  var key: String
  @Argument(
    help: "The value; '-' reads standard input, '@FILE' a file. '--' before the key ends the options.")
  var value: String?

  func validate() throws {
    if let ifSeq, ifSeq < 0 { throw ValidationError("--if-seq is 0 or more") }
    if immutable {
      guard !record.sign, !record.sealed else {
        throw ValidationError("give --immutable without --sign or --sealed")
      }
      guard value == nil else { throw ValidationError("--immutable takes a value and no key") }
      guard ifSeq == nil else {
        throw ValidationError("there is one version of what is put with --immutable")
      }
      return
    }
    guard value != nil else { throw ValidationError("put takes a key and a value") }
    if bencoded && !record.sign { throw ValidationError("--bencoded is for --immutable and --sign") }
    try Key.check(key, in: record)
  }

  func run() throws {
    let text = immutable ? key : value ?? ""
    let bytes = try literal ? Array(text.utf8) : ValueSource(text).read()
    if immutable { return try putImmutable(bytes) }
    if record.sealed { return try putSealed(bytes) }
    if let file = record.keyFile { return try putSigned(bytes, by: SecretFile.key(in: file)) }
    let key = Array(key.utf8)
    var params = PutParams(key: key, value: bytes, ttl: ttl, ifSeq: ifSeq)
    if record.sign { params.kind = .signed }
    params.isBencoded = bencoded
    try options.run(.put(params)) { result in
      guard case .put(let put) = result else { return "" }
      return Rendering.put(key, put)
    }
  }

  private func putImmutable(_ value: [UInt8]) throws {
    var params = PutParams(key: [], value: value, ttl: ttl)
    params.kind = .immutable
    params.isBencoded = bencoded
    var client = try options.connect()
    guard case .put(let put) = try client.call(.put(params)) else { return }
    try options.print(json: put) { put.target + "\n" }
    if !options.json {
      Output.remark("\(Rendering.stored(put)); read it with 'dhtctl get --immutable \(put.target)'\n")
    }
  }

  private func putSigned(_ value: [UInt8], by signer: SigningKey) throws {
    var client = try options.connect()
    let name = Array(key.utf8)
    let content = bencoded ? value : SignedText.bencoded(value)
    let put = try RecordWriter(signer: signer, salt: name).put(with: &client, ttl: ttl, ifSeq: ifSeq) { _ in
      content
    }
    try options.print(json: put) { Rendering.put(name, put) }
  }

  private func putSealed(_ value: [UInt8]) throws {
    let name = Array(key.utf8)
    let sealed = try record.sealedName(name, isNew: true)
    var client = try options.connect()
    let writer = RecordWriter(signer: sealed.signer, salt: [])
    let put = try writer.put(with: &client, ttl: ttl, ifSeq: ifSeq) { seq in
      sealed.seal(value, seq: seq).map(SignedText.bencoded)
    }
    try options.print(json: put) { Rendering.put(name, put, isSealed: true) }
  }
}

struct Get: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print the value of a key, byte for byte.")

  @OptionGroup var options: GlobalOptions
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Let the node answer with a copy that it fetched at most so long ago: seconds, or a number with s, m, h, d or w. 0 always asks the network, so that no copy hides a confirmed put. (default: 0)",
      valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text) else {
        throw ValidationError("a maximum age is such as 90s or 5m, and 0 always asks the network")
      }
      return seconds
    })
  var maxAge: Int64 = 0
  @Flag(help: "Show the steps of the search, too, on standard error or as part of the JSON.")
  var trace = false
  @Flag(help: "Read what 'put --immutable' stored; the key is the address that it printed.")
  var immutable = false
  @Option(
    help: ArgumentHelp(
      "Read what the owner of this public key signed; 'self' for the key of the node.",
      valueName: "public-key"),
    transform: { text in
      guard text != "self" else { return [] }
      guard let key = Hex.bytes(text).flatMap({ PublicKey($0) }) else {
        throw ValidationError("a public key has 64 hexadecimal digits; 'dhtctl key show' prints one")
      }
      return key.bytes
    })
  var from: [UInt8]?
  @Flag(help: "Read what 'put --sealed' stored.")
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
      throw ValidationError("give --immutable, --from or --sealed, one of them")
    }
    if passphraseFile != nil && !sealed { throw ValidationError("--passphrase-file is for --sealed") }
    if immutable {
      guard Hex.bytes(key)?.count == 20 else { throw ValidationError("an address has 40 hexadecimal digits") }
    } else if from != nil || sealed {
      try Key.check(name: key, isSealed: sealed)
    } else {
      try Key.check(key)
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
      throw error
    }
    if let seal {
      guard !get.isBencoded, let value = seal.open(get.value, seq: get.seq) else {
        throw Failure(
          .failed, "what is stored there was not sealed with this passphrase; see that it is right",
          reason: "sealed")
      }
      get.value = value
    }
    try show(get)
    if let steps = get.steps { show(steps, age: get.age) }
  }

  private func params(_ seal: SealedName?) -> GetParams {
    if immutable { return GetParams(target: Hex.bytes(key) ?? [], maxAge: maxAge, trace: trace) }
    var params = GetParams(key: seal == nil ? Array(key.utf8) : [], maxAge: maxAge, trace: trace)
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

  /// Standard output has the value and nothing else. In JSON the steps are part of the answer.
  private func show(_ steps: [LookupStep], age: Int64? = nil) {
    if !options.json { Output.remark(Rendering.trace(steps, age: age)) }
  }
}

struct Delete: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete a key and its value.",
    discussion: "A failed quorum means that it is unknown whether the key is gone.")

  @OptionGroup var options: GlobalOptions
  @OptionGroup var record: RecordOptions
  @Argument(help: "The key, or the name of a record with --sign or --sealed.")
  var key: String

  func validate() throws { try Key.check(key, in: record) }

  func run() throws {
    let key = Array(key.utf8)
    if let writer = try record.writer(of: key) {
      var client = try options.connect()
      let put = try writer.put(with: &client) { _ in SignedText.deletion }
      return try options.print(json: put) { Rendering.delete(key, put, isSealed: record.sealed) }
    }
    var params = DeleteParams(key: key)
    if record.sign { params.kind = .signed }
    try options.run(.delete(params)) { result in
      guard case .delete(let put) = result else { return "" }
      return Rendering.delete(key, put)
    }
  }
}

extension RecordOptions {
  /// What writes a record that is signed here; nil where the node signs it, or nobody does.
  fileprivate func writer(of name: [UInt8]) throws(Failure) -> RecordWriter? {
    if sealed { return RecordWriter(signer: try sealedName(name, isNew: false).signer, salt: []) }
    guard let keyFile else { return nil }
    return RecordWriter(signer: try SecretFile.key(in: keyFile), salt: name)
  }

  fileprivate func sealedName(_ name: [UInt8], isNew: Bool) throws(Failure) -> SealedName {
    try Self.sealedName(name, passphraseFile: passphraseFile, isNew: isNew)
  }

  fileprivate static func sealedName(
    _ name: [UInt8], passphraseFile: String?, isNew: Bool
  ) throws(Failure) -> SealedName {
    let passphrase = try SecretFile.passphrase(in: passphraseFile, isNew: isNew)
    guard let sealed = SealedName(name, passphrase: passphrase) else {
      throw Failure(.failed, "there are no 128 MiB of memory to make the key from", reason: "sealed")
    }
    return sealed
  }
}

/// What every key must be.
enum Key {
  static func check(_ key: String, in record: RecordOptions) throws {
    if record.sign || record.sealed {
      try check(name: key, isSealed: record.sealed)
    } else {
      try check(key)
    }
  }

  /// The name of a signed record, which is its salt (BEP 44), or of a sealed one, which is stored nowhere.
  static func check(name: String, isSealed: Bool) throws {
    try check(name)
    if !isSealed, name.utf8.count > SignedText.maxSalt {
      throw ValidationError("the name of a signed record has at most \(SignedText.maxSalt) bytes")
    }
  }

  static func check(_ key: String) throws {
    if key.isEmpty { throw ValidationError("a key has at least one byte") }
  }
}
