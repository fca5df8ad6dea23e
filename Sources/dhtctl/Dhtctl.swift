import ArgumentParser
import ControlProtocol
import Glibc

/// The command line of dhtctl.
struct Dhtctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtctl",
    abstract: "Talk to a dhtd, a node of a Kademlia network.",
    discussion: """
      Exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 no daemon there.
      """,
    version: "dhtctl \(ProjectVersion.current)",
    subcommands: [
      PutCommand.self, GetCommand.self, DeleteCommand.self, StatusCommand.self, PeersCommand.self,
      KeysCommand.self, LookupCommand.self, PingCommand.self,
      BootstrapCommand.self, ForgetCommand.self, KeyCommand.self, KeyringCommand.self, ShellSession.self,
      BenchCommand.self,
    ])

  @OptionGroup var options: GlobalOptions

  static var commandNames: [String] {
    configuration.subcommands.compactMap { $0.configuration.commandName }
  }

  func run() throws { throw Failure.usage("no command given; see 'dhtctl --help'") }
}

@main
enum Program {
  static func main() {
    if let index = firstMalformedArgument() {
      end(.usage("argument \(index) is not UTF-8; give a value as @FILE, and a key to 'dhtctl shell'"))
    }
    // The parser would answer with the general help and no error.
    let arguments = CommandLine.arguments
    if arguments.count > 2, arguments[1] == "help", !Dhtctl.commandNames.contains(arguments[2]) {
      endParsing(ValidationError("unexpected argument"), arguments: Array(arguments.dropFirst(2)))
    }
    var wantsJSON = false
    do {
      var command = try Dhtctl.parseAsRoot()
      wantsJSON = (command as? any TakesGlobalOptions)?.options.json ?? false
      try command.run()
    } catch let failure as Failure {
      end(failure, asJSON: wantsJSON)
    } catch {
      endParsing(error)
    }
  }

  /// The index of an argument that is not UTF-8, which a `String` would change.
  private static func firstMalformedArgument() -> Int? {
    (1..<max(1, Int(CommandLine.argc))).first { index in
      // The index is below `argc`, and each argument ends with a zero byte.
      unsafe CommandLine.unsafeArgv[index].map { unsafe String(validatingCString: $0) == nil } ?? false
    }
  }

  private static func end(_ failure: Failure, asJSON: Bool = false) -> Never {
    if asJSON && failure.status != .usage {
      Output.printError(String(JSONText.line(failure).dropLast()))
    } else {
      Output.printError("dhtctl: \(failure.message)")
    }
    exit(failure.status.rawValue)
  }

  /// Help and version are "errors" of the parser, too. They go to standard output.
  private static func endParsing(
    _ error: any Error, arguments: [String] = Array(CommandLine.arguments.dropFirst())
  ) -> Never {
    if Dhtctl.exitCode(for: error).isSuccess {
      var output = Output()
      do throws(Failure) {
        try output.write(Dhtctl.fullMessage(for: error) + "\n")
        try output.flush()
      } catch {
        end(error)
      }
      exit(ExitStatus.done.rawValue)
    }
    let message = UsageMessage.text(
      Dhtctl.message(for: error), arguments: arguments, commands: Dhtctl.commandNames)
    end(.usage(message))
  }
}

/// A command that takes the global options.
protocol TakesGlobalOptions: ParsableCommand {
  var options: GlobalOptions { get }
}
