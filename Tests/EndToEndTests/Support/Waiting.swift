import Foundation

/// A point in time after which a wait is given up.
struct Deadline {
  private let end: ContinuousClock.Instant

  init(within seconds: Double) { end = .now + .seconds(seconds) }

  var isOver: Bool { ContinuousClock.now >= end }

  /// The remaining time in milliseconds, rounded up, for `poll`.
  fileprivate var milliseconds: Int32 {
    let (seconds, attoseconds) = (end - .now).components
    return Int32(clamping: max(0, seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1))
  }
}

/// The event that did not happen in time.
struct TimedOut: Error, CustomStringConvertible {
  let what: String
  var details = ""

  var description: String { "in vain waited for \(what)\(details.isEmpty ? "" : ":\n\(details)")" }
}

/// Blocks in `poll` until a descriptor is ready or the deadline is over.
/// - Returns: what each descriptor is ready for, in their order; all 0 when the deadline is over.
func waitForAny(_ descriptors: [pollfd], until deadline: Deadline) -> [Int16] {
  var descriptors = descriptors
  let count = poll(&descriptors, nfds_t(descriptors.count), deadline.milliseconds)
  return count > 0 ? descriptors.map(\.revents) : descriptors.map { _ in 0 }
}

/// Asks again and again until the answer is yes, and gives up after some seconds.
///
/// For what a program tells only when it is asked, such as how many nodes it knows. Nothing depends
/// on the pause between two questions, which only keeps the processor free for the programs: it is a
/// `poll` on no descriptor.
func eventually(
  _ what: String, within seconds: Double = 20, _ condition: () throws -> Bool
) throws {
  let deadline = Deadline(within: seconds)
  while try !condition() {
    guard !deadline.isOver else { throw TimedOut(what: what) }
    _ = poll(nil, 0, 25)
  }
}
