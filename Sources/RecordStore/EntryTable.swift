/// The two tables of records.
enum EntryTable: UInt8, CaseIterable {
  /// Records that this node holds for the network.
  case records
  /// Records that this node publishes.
  case publications
}
