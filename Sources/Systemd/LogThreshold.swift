package import Logging
import Synchronization

/// The least severe messages that are written, for all loggers of a program. It may change while
/// the program runs.
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

  /// Kept, for the list is made anew wherever it is asked for, and every datagram asks for the level.
  private static let levels = Logger.Level.allCases

  private static func rank(of level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}
