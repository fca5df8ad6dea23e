/// Names one operation from its start to its outcome.
///
/// An ID contains the kind and the slot of the operation, so that each of its answers finds it at once.
package struct OperationID: Hashable, Comparable, Sendable {
  /// The kind of an operation.
  enum Kind: UInt64, Sendable {
    case get, put, find, replicate
    /// A ping or a bootstrap: it sends a user's queries and has no lookup.
    case request
  }

  /// Grows from one operation to the next. A number is used again only after 2^40 operations.
  package let rawValue: UInt64

  /// The most operations of one kind at the same time.
  static let mostSlots = 1 << 21

  /// Makes an ID from its raw value.
  init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// - Parameters:
  ///   - number: the number of the operation at its node.
  ///   - slot: the place among those of its kind, below `mostSlots`.
  init(_ kind: Kind, number: UInt64, slot: Int) {
    rawValue = (number << 24) | (kind.rawValue << 21) | UInt64(slot & (Self.mostSlots - 1))
  }

  /// The number of the operation, counted from 1 at its node.
  package var number: UInt64 { rawValue >> 24 }

  var kind: Kind { Kind(rawValue: (rawValue >> 21) & 7) ?? .request }

  /// The slot among the operations of its kind.
  var slot: Int { Int(rawValue & UInt64(Self.mostSlots - 1)) }

  package static func < (left: OperationID, right: OperationID) -> Bool {
    left.rawValue < right.rawValue
  }
}
