import ArgumentParser
import ControlProtocol
import Glibc

struct KeysCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "List the keys that this node holds.")

  @OptionGroup var options: GlobalOptions
  @Option(help: "Only keys that begin with this.")
  var prefix: String = ""
  @Option(help: ArgumentHelp("At most this many keys.", valueName: "n"))
  var limit: Int64?
  @Flag(help: "All keys, page after page; this is the default.")
  var all = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    if all && limit != nil { throw ValidationError("give --all or --limit, not both") }
  }

  func run() throws {
    var client = try options.connect()
    var keys: [HeldKey] = []
    var cursor: String?
    repeat {
      let wanted = min(limit.map { $0 - Int64(keys.count) } ?? .max, ControlLimits.maxKeysPage)
      let params = KeysParams(prefix: Array(prefix.utf8), limit: wanted, cursor: cursor)
      guard case .keys(let page) = try client.call(.keys(params)) else { return }
      keys += page.keys
      // A daemon that repeats its cursor would be asked for ever.
      cursor = page.cursor == cursor ? nil : page.cursor
    } while cursor != nil && Int64(keys.count) < limit ?? .max
    try options.print(json: KeysResult(keys: keys, cursor: cursor)) {
      Rendering.keys(keys, now: Int64(time(nil)))
    }
  }
}
