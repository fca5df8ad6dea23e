import ArgumentParser
import ControlProtocol
import Glibc

struct ShellSession: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Put, get and delete line by line; reads commands from a pipe too.",
    discussion: """
      Commands: put KEY VALUE (the value is the rest of the line, as it stands), get KEY, delete KEY, \
      status, help, quit.
      """)

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    if options.json { throw ValidationError("the shell prints no JSON; give single commands --json") }
  }

  func run() throws {
    // Without a terminal to show it on, a prompt would end up in a file.
    if isatty(STDIN_FILENO) == 1 && Output.isTerminal {
      try runOnTerminal()
    } else {
      var pipe = ShellPipe(try options.connect(), timeout: options.timeout)
      try pipe.run()
    }
  }

  private func runOnTerminal() throws(Failure) {
    // Whoever starts a shell without a daemon learns it before the first command.
    var client: ControlClient? = try options.connect()
    var output = Output()
    let terminal = TerminalReader()
    while let line = terminal.readLine(prompt: "dht> ") {
      let command = ShellCommand(line)
      switch command {
      case .blank: continue
      case .quit: return
      case .help: try output.write(ShellCommand.helpText)
      case .mistake(let message): Output.complain(message)
      case .request(let request):
        do throws(Failure) {
          // After a failure that ended the connection, the next command opens another.
          var current = try connection(&client)
          try output.write(Rendering.shell(request, current.call(request)))
          client = consume current
        } catch {
          if let answer = error.error.flatMap({ Rendering.shellNotFound(request, $0) }) {
            try output.write(answer)
          } else {
            Output.complain(error.message)
          }
        }
      }
      try output.flush()
    }
    // The cursor stands behind the prompt.
    try output.write("\n")
    try output.flush()
  }

  private func connection(_ client: inout ControlClient?) throws(Failure) -> ControlClient {
    if let client = client.take() { return client }
    return try options.connect()
  }
}
