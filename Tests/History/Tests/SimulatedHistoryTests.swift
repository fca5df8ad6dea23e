import Foundation
import HistoryChecker
import Testing

@Suite("Histories in the simulator") struct SimulatedHistoryTests {
  /// The seeds to play: those of DHTD_HISTORY_SEEDS, as FIRST-LAST, or 120 of them.
  static let seeds: ClosedRange<UInt64> = {
    let words = ProcessInfo.processInfo.environment["DHTD_HISTORY_SEEDS"]?.split(separator: "-") ?? []
    guard let first = words.first.flatMap({ UInt64($0) }), let last = words.last.flatMap({ UInt64($0) }),
      first <= last
    else { return 1...120 }
    return first...last
  }()

  @Test("clients of a network with faults are told no untruth", arguments: seeds)
  func seed(_ seed: UInt64) throws {
    var player = SimulatedPlayer(seed: seed, SimulatedPlayer.Settings(seed: seed))
    let history = try player.play()
    let violations = Checker.violations(in: history)
    guard let first = violations.first else { return }
    let others = violations.dropFirst().prefix(10).map { "\($0.promise.rawValue) (\($0.key))" }
    Issue.record("seed \(seed): \(first)\nand \(violations.count - 1) more: \(others)")
  }
}
