import ControlProtocol

/// The operations of a benchmark.
package enum BenchOperation: String, CaseIterable, Hashable, Sendable, Encodable {
  /// Stores a value.
  case put
  /// Reads a value that was put, and compares it byte for byte.
  case get
  /// Reads a key that has no value. The expected answer is that there is none.
  case miss
}

/// The parameters of a benchmark.
package struct BenchPlan: Hashable, Sendable {
  /// The operations, in their order.
  package var operations: [BenchOperation]
  /// The number of operations of each kind.
  package var count: Int
  /// The number of requests that run at once.
  package var inFlight: Int
  /// The length of a value, in bytes.
  package var size: Int
  /// The number of keys. Each operation goes through them, and starts again after the last.
  package var keys: Int
  /// The prefix of each key.
  package var keyPrefix: String
  /// The lifetime of the values, in seconds.
  package var ttl: Int64

  /// A plan.
  package init(
    operations: [BenchOperation], count: Int, inFlight: Int, size: Int, keys: Int, keyPrefix: String,
    ttl: Int64
  ) {
    self.operations = operations
    self.count = count
    self.inFlight = inFlight
    self.size = size
    self.keys = keys
    self.keyPrefix = keyPrefix
    self.ttl = ttl
  }
}
