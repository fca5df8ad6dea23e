import ArgumentParser
import ControlProtocol

struct Put: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Store a value under a key.",
    discussion: """
      A put is done when a majority of the nodes closest to the key confirmed it. A conflict or a \
      failed quorum means that it is unknown whether the value lasts, not that it was undone.
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
  @Argument(help: "The key.")
  var key: String
  @Argument(
    help: "The value; '-' reads standard input, '@FILE' a file. '--' before the key ends the options.")
  var value: String

  func validate() throws {
    try Key.check(key)
    if let ifSeq, ifSeq < 0 { throw ValidationError("--if-seq is 0 or more") }
  }

  func run() throws {
    let key = Array(key.utf8)
    let bytes = try literal ? Array(value.utf8) : ValueSource(value).read()
    try options.run(.put(PutParams(key: key, value: bytes, ttl: ttl, ifSeq: ifSeq))) { result in
      guard case .put(let put) = result else { return "" }
      return Rendering.put(key, put)
    }
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
  @Argument(help: "The key.")
  var key: String

  func validate() throws { try Key.check(key) }

  func run() throws {
    var client = try options.connect()
    let params = GetParams(key: Array(key.utf8), maxAge: maxAge, trace: trace)
    let result: ControlResult
    do throws(Failure) {
      result = try client.call(.get(params))
    } catch {
      if let steps = error.error?.data.steps { show(steps) }
      throw error
    }
    guard case .get(let get) = result else { return }
    try show(get)
    if let steps = get.steps { show(steps, age: get.age) }
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
  @Argument(help: "The key.")
  var key: String

  func validate() throws { try Key.check(key) }

  func run() throws {
    let key = Array(key.utf8)
    try options.run(.delete(DeleteParams(key: key))) { result in
      guard case .delete(let put) = result else { return "" }
      return Rendering.delete(key, put)
    }
  }
}

/// What every key must be.
enum Key {
  static func check(_ key: String) throws {
    if key.isEmpty { throw ValidationError("a key has at least one byte") }
  }
}
