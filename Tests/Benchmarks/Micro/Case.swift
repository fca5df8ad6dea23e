/// Does the same thing so many times.
typealias Workload = (_ times: Int) -> Void

/// A measurement and its limits.
struct Case: Sendable {
  /// The measured part of the program and the work: `part: work`.
  let name: String
  /// The most time, in times of the reference (`Reference`).
  let units: Double
  /// The most allocations.
  let allocations: Double
  /// Prepares the workload. Throws if it does not do what it should: what fails is fast.
  let prepare: @Sendable () throws -> Workload

  init(
    _ name: String, units: Double, allocations: Double, _ prepare: @escaping @Sendable () throws -> Workload
  ) {
    self.name = name
    self.units = units
    self.allocations = allocations
    self.prepare = prepare
  }

  /// All cases, in the order in which a datagram meets the parts.
  static let all = krpc + floods + sealing + control + routingTable + lookup + node + stores + digests

  /// Returns whether a measurement stays within what the case may take.
  func permits(_ measurement: Measurement) -> Bool {
    measurement.units <= units && measurement.allocations <= allocations
  }
}

/// A workload would not do what it is to be measured at.
struct NotAsExpected: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Makes the compiler believe that a result is needed.
@inline(never) @_optimize(none)
func keep<Value>(_ value: borrowing Value) {}
