import ControlProtocol

/// What a benchmark does with its keys.
package enum BenchOperation: String, CaseIterable, Hashable, Sendable, Encodable {
  /// Stores a value.
  case put
  /// Reads a value that was put, and compares it byte for byte.
  case get
  /// Reads a key that has no value; that there is none is what is expected.
  case miss
}

/// What a benchmark is to do.
package struct BenchPlan: Hashable, Sendable {
  /// One after another.
  package var operations: [BenchOperation]
  /// How often each is carried out.
  package var count: Int
  /// How many requests are under way at once.
  package var inFlight: Int
  /// The length of a value, in bytes.
  package var size: Int
  /// How many keys there are; each operation goes through them, and begins anew after the last.
  package var keys: Int
  /// What each key begins with.
  package var keyPrefix: String
  /// How long the values live, in seconds.
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
