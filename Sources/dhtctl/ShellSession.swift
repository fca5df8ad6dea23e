import ArgumentParser
import ControlProtocol
import Glibc

struct ShellSession: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Put, get and delete line by line, from the terminal or a pipe.",
    discussion: """
      Commands: put KEY VALUE (the value is the rest of the line, unchanged), get KEY, delete KEY, \
      status, help, quit.
      """)

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    if options.json {
      throw ValidationError("the shell does not print JSON; use --json with single commands")
    }
  }

  func run() throws {
    // Without a terminal, a prompt would end up in a file.
    if isatty(STDIN_FILENO) == 1 && Output.isTerminal {
      try runOnTerminal()
    } else {
      var pipe = ShellPipe(try options.connect(), timeout: options.timeout)
      try pipe.run()
    }
  }

  private func runOnTerminal() throws(Failure) {
    // The missing daemon is reported before the first command.
    var client: ControlClient? = try options.connect()
    var output = Output()
    let terminal = TerminalReader()
    while let line = terminal.readLine(prompt: "dht> ") {
      let command = ShellCommand(line)
      switch command {
      case .blank: continue
      case .quit: return
      case .help: try output.write(ShellCommand.helpText)
      case .mistake(let message): Output.printError(message)
      case .request(let request):
        do throws(Failure) {
          // If a failure ended the connection, the next command opens a new one.
          var current = try connection(&client)
          try output.write(Rendering.shell(request, current.call(request)))
          client = consume current
        } catch {
          if let answer = error.error.flatMap({ Rendering.shellNotFound(request, $0) }) {
            try output.write(answer)
          } else {
            Output.printError(error.message)
          }
        }
      }
      try output.flush()
    }
    // The cursor is behind the prompt.
    try output.write("\n")
    try output.flush()
  }

  private func connection(_ client: inout ControlClient?) throws(Failure) -> ControlClient {
    if let client = client.take() { return client }
    return try options.connect()
  }
}
