/// A broken promise, and the part of the history that shows it.
package struct Violation: Sendable {
  /// The promise that was broken.
  package enum Promise: String, Hashable, Sendable {
    /// After the heal, a read returned a version below a confirmed one.
    case lostWrite = "a confirmed write is lost"
    /// After the heal, a deleted or expired value was read.
    case deletedReturned = "a deleted key came back"
    /// A read said "not found" of a key that the network holds.
    case falseNotFound = "not found of a key that nodes hold"
    /// A read returned an old version as the newest, although it must have met the newest.
    case staleRead = "an old version was read as the newest"
    /// A value was read after its end.
    case expiredRead = "an expired value was read"
    /// A value was read that nobody wrote, or in a version that its write did not have.
    case inventedValue = "a value was read that nobody wrote"
    /// Two conditional puts on one version were confirmed, and did not overlap.
    case twoConditionalPuts = "two conditional puts on one version were confirmed"
    /// A conditional put was confirmed on a version that was not the newest.
    case outdatedCondition = "a conditional put was confirmed on an old version"
    /// A write was called confirmed, although too few nodes could confirm it.
    case untoldWeak = "a weak write was not called weak"
    /// A conditional put was called weak.
    case weakConditionalPut = "a conditional put was weak"
    /// A read was called complete, although too few nodes could answer.
    case untoldUnconfirmed = "an answer of too few nodes was not called unconfirmed or unreachable"
    /// A put promised less than the time to live that it was asked for.
    case shortenedLife = "a value lives shorter than was asked for"
    /// After the heal, a request was not answered in full.
    case notRecovered = "the network does not serve a request after all nodes are back"
  }

  package let promise: Promise
  package let key: String
  /// The reason, for people.
  package let explanation: String
  /// The operations that show it, in the order of time.
  package let operations: [ClientOperation]
  /// The faults that matter.
  package let faults: [History.Fault]
}

extension Violation: CustomStringConvertible {
  package var description: String {
    let lines = operations.map { ($0.invoked, "  \($0)") } + faults.map { ($0.time, "  \($0)") }
    let ordered = lines.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }
    return (["\(promise.rawValue) (\(key)): \(explanation)"] + ordered.map(\.element.1))
      .joined(separator: "\n")
  }
}
