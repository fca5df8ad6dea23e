package import Logging
import Synchronization

/// The least severe level that all loggers of a program log. It may change while the program runs.
package final class LogThreshold: Sendable {
  private let rank: Atomic<Int>

  package init(_ level: Logger.Level) {
    rank = Atomic(Self.rank(of: level))
  }

  /// The level in force.
  package var level: Logger.Level {
    get { Self.levels[rank.load(ordering: .relaxed)] }
    set { rank.store(Self.rank(of: newValue), ordering: .relaxed) }
  }

  /// Kept, because `allCases` allocates a new array and every datagram asks for the level.
  private static let levels = Logger.Level.allCases

  private static func rank(of level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}
