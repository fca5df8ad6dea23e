import ArgumentParser
import ControlProtocol
import Glibc

/// The options that every command takes, before or after its name.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp(
      "The port of the dhtd instance. The default is DHTCTL_INSTANCE, then 8001 if it runs, then the only one running.",
      valueName: "port"),
    transform: { text in
      guard let instance = Instance(text) else {
        throw ValidationError("an instance is a port from 1 to 65535")
      }
      return instance
    })
  var instance: Instance?

  @Option(help: ArgumentHelp("The path of the control socket.", valueName: "path"))
  var socket: String?

  @Flag(help: "Print the result, or the error, as one line of JSON.")
  var json = false

  @Option(
    help: ArgumentHelp("Seconds to wait for an answer. (default: 30)", valueName: "s"),
    transform: { text in
      guard let seconds = Double(text), seconds > 0, seconds <= 86_400 else {
        throw ValidationError("use a number of seconds, for example 30")
      }
      return .milliseconds(Int64((seconds * 1_000).rounded(.up)))
    })
  var timeout: Duration = .seconds(30)

  func validate() throws {
    if instance != nil && socket != nil { throw ValidationError("give -i or --socket, not both") }
  }

  /// Connects to the daemon of the options.
  func connect() throws(Failure) -> ControlClient { ControlClient(try openConnection(), timeout: timeout) }

  /// Connects to the daemon of the options, for a command that encodes its own requests.
  func openConnection() throws(Failure) -> DaemonConnection {
    let choice = InstanceChoice(context: Self.context, timeout: timeout)
    if let socket { return try choice.connect(to: socket) }
    if let instance { return try choice.connect(to: instance) }
    return try choice.connect()
  }

  /// Sends a request, waits for its result, and prints it as JSON or as the text that `render` returns.
  func run(_ request: ControlRequest, _ render: (ControlResult) -> String) throws(Failure) {
    var client = try connect()
    let result = try client.call(request)
    try print(json: result) { render(result) }
  }

  /// Prints a result as JSON or as text.
  func print(json value: some Encodable, text: () -> String) throws(Failure) {
    var output = Output()
    if json { try output.write(JSONText.line(value)) } else { try output.write(text()) }
    try output.flush()
  }

  /// Only the variables that are used, because copying the whole environment takes time.
  private static var context: Instance.Context {
    var environment: [String: String] = [:]
    for name in [InstanceChoice.variable, "XDG_RUNTIME_DIR"] {
      // The value ends with a zero byte, and the program never changes its environment.
      if let value = unsafe getenv(name) { environment[name] = unsafe String(cString: value) }
    }
    return Instance.Context(uid: geteuid(), environment: environment)
  }
}
