import ArgumentParser

/// The command line of the simulator.
@main
struct Dhtsim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtsim",
    abstract: "Simulates networks of real nodes in virtual time.",
    discussion: "The same seed gives the same run on every machine.",
    subcommands: [Run.self, List.self, Churn.self])
}
