import ArgumentParser

/// The command line of the simulator.
@main
struct Dhtsim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtsim",
    abstract: "Runs networks of the real core in virtual time.",
    discussion: "The same seed gives the same run on every machine.",
    subcommands: [Run.self, List.self, Churn.self])
}
