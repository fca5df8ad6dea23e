import Foundation
import HistoryChecker
import Testing

extension EndToEnd {
  @Suite("Histories of real processes", .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
  struct HistoryTests {
    private static func number(_ variable: String) -> Double? {
      ProcessInfo.processInfo.environment[variable].flatMap { Double($0) }
    }

    /// The length of the test: that of DHTD_HISTORY_MINUTES, or a minute and a half.
    private static let minutes = number("DHTD_HISTORY_MINUTES") ?? 1.5
    private static let seed = UInt64(number("DHTD_HISTORY_SEED") ?? 1)

    @Test("clients of nodes that are killed, halted, cut off and full are told no untruth")
    func history() throws {
      let deadline = Deadline(within: Self.minutes * 60)
      try withNetwork(options: HistoryPlayer.options, lifetime: Int(Self.minutes * 60) + 240) { network in
        let player = try HistoryPlayer(network, seed: Self.seed)
        var round = 0
        repeat {
          round += 1
          let violations = try player.play(round: round)
          guard let first = violations.first else { continue }
          Issue.record(
            "seed \(Self.seed), round \(round): \(first)\nand \(violations.count - 1) more violations")
          break
        } while !deadline.isOver
        #expect(player.operations > 500 * round)
        print("\(round) rounds with \(player.operations) requests and \(player.faults) changes of nodes")
      }
    }
  }
}
