import ArgumentParser
import ControlProtocol
import Signatures

struct PutCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Store a value under a key.",
    discussion: """
      A put succeeds when a majority of the nodes closest to the key confirm it. A conflict or a \
      failed quorum means that it is unknown whether the value lasts, not that it was undone.

      If known nodes that should hold the key do not respond, a majority of the others is enough, and the \
      output says how many did not respond. The value is handed to them when they are back; until then a \
      read may miss it.

      Anyone can write a key. A value put with --immutable cannot be changed: it is read by an address that \
      depends on its content, and the value is the only argument. A value put with --sign can only be changed \
      by the owner of the key. With --sealed it can also only be read with its name and passphrase; a weak \
      passphrase can be guessed by anyone who holds the record.
      """)

  @OptionGroup var options: GlobalOptions
  // A value that begins with a dash is an invalid value and not an option.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The lifetime of the value: seconds, or a number with s, m, h, d or w. At most 30d. (default: 24h)",
      valueName: "time"),
    transform: { text in
      guard let seconds = TimeSpan.seconds(text), (1...ControlLimits.maxTTL).contains(seconds) else {
        throw ValidationError("use for example 90s, 2h or 7d (at most 30d)")
      }
      return seconds
    })
  var ttl: Int64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Replace only the version with this seq; 0 only stores a key without a value.", valueName: "n"))
  var ifSeq: Int64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Fail unless at least this many nodes confirm.", valueName: "n"))
  var minCopies: Int64?
  @Flag(help: "Fail unless a majority of all known nodes that should hold the key confirms.")
  var strict = false
  @Flag(help: "Take the value literally, even if it is '-' or begins with '@'.")
  var literal = false
  @Flag(help: "Store a record that nobody can change, and print its address.")
  var immutable = false
  @OptionGroup var record: RecordOptions
  @Flag(
    help: "The value is bencoded already, for values with --immutable or --sign that are not byte strings.")
  var bencoded = false
  @Argument(help: "The key, or the name of a record with --sign or --sealed; none with --immutable.")
  var key: String
  @Argument(
    help: "The value; '-' reads standard input, '@FILE' a file. '--' before the key ends the options.")
  var value: String?

  func validate() throws {
    if let ifSeq, ifSeq < 0 { throw ValidationError("--if-seq must be at least 0") }
    if let minCopies, minCopies < 1 { throw ValidationError("--min-copies must be at least 1") }
    if immutable {
      guard !record.sign, !record.sealed else {
        throw ValidationError("give --immutable without --sign or --sealed")
      }
      guard value == nil else { throw ValidationError("--immutable takes a value and no key") }
      guard ifSeq == nil else {
        throw ValidationError("--if-seq is not for --immutable, whose records have a single version")
      }
      return
    }
    guard value != nil else { throw ValidationError("put takes a key and a value") }
    if bencoded && !record.sign { throw ValidationError("--bencoded is for --immutable and --sign") }
    try KeyArgument.check(key, in: record)
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
    params.minCopies = minCopies
    var client = try options.connect()
    guard case .put(let put) = try client.call(.put(params)) else { return }
    try options.print(json: put) { Rendering.put(key, put) }
    try check(put)
  }

  private func putImmutable(_ value: [UInt8]) throws {
    var params = PutParams(key: [], value: value, ttl: ttl)
    params.kind = .immutable
    params.isBencoded = bencoded
    params.minCopies = minCopies
    var client = try options.connect()
    guard case .put(let put) = try client.call(.put(params)) else { return }
    try options.print(json: put) { put.target + "\n" }
    if !options.json {
      Output.printNote("\(Rendering.stored(put)); read it with 'dhtctl get --immutable \(put.target)'\n")
    }
    try check(put)
  }

  private func putSigned(_ value: [UInt8], by signer: SigningKey) throws {
    var client = try options.connect()
    let name = Array(key.utf8)
    let content = bencoded ? value : SignedText.bencoded(value)
    let put = try RecordWriter(signer: signer, salt: name).put(with: &client, ttl: ttl, ifSeq: ifSeq) { _ in
      content
    }
    try options.print(json: put) { Rendering.put(name, put) }
    try check(put)
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
    try check(put)
  }

  /// Fails if a put that is stored is not stored as the user demands.
  private func check(_ put: PutResult) throws(Failure) {
    if let minCopies, put.stored < minCopies {
      throw Failure(
        .failed,
        "the value is stored at \(put.stored) \(put.stored == 1 ? "node" : "nodes"), and --min-copies asks for \(minCopies); put it again "
          + "when more nodes respond", reason: "quorum_failed")
    }
    if strict, put.isWeak {
      throw Failure(
        .failed,
        "the value is stored, but not at a majority of the nodes that should hold it; put it again when "
          + "more nodes respond", reason: "weak")
    }
  }
}
