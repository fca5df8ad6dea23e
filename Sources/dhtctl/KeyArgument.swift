import ArgumentParser
import ControlProtocol
import Signatures

/// Checks keys on the command line.
enum KeyArgument {
  static func check(_ key: String, in record: RecordOptions) throws {
    if record.sign || record.sealed {
      try check(name: key, isSealed: record.sealed)
    } else {
      try check(key)
    }
  }

  /// Checks the name of a signed record, which is its salt (BEP 44), or that of a sealed record, which is
  /// not stored.
  static func check(name: String, isSealed: Bool) throws {
    try check(name)
    if !isSealed, name.utf8.count > SignedText.maxSalt {
      throw ValidationError("the name of a signed record has at most \(SignedText.maxSalt) bytes")
    }
  }

  static func check(_ key: String) throws {
    if key.isEmpty { throw ValidationError("a key has at least one byte") }
  }
}
