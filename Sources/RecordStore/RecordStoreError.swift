/// The reason why a store cannot be opened.
package enum RecordStoreError: Error, Hashable, Sendable {
  /// A newer dhtd wrote the file.
  case newerFormat(path: String, format: Int)
  /// The system or the disk makes the file unusable.
  case unusable(path: String, reason: String)
}

extension RecordStoreError: CustomStringConvertible {
  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .newerFormat(let path, let format):
      "\(path) was written by a newer dhtd (format \(format)); upgrade dhtd, or move the file away to start "
        + "without its records"
    case .unusable(let path, let reason):
      "cannot use the records in \(path): \(reason); fix that, or choose another directory with --state-dir"
    }
  }
}
