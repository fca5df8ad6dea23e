import CSystemd
import Glibc

/// The systemd journal as a destination of messages.
package enum Journal {
  /// Returns whether standard error goes to the journal, as it does for a service by default
  /// (systemd.exec(5), `JOURNAL_STREAM`).
  ///
  /// - Parameter environment: the environment variables of this process.
  package static func isStandardError(environment: [String: String]) -> Bool {
    guard let parts = environment["JOURNAL_STREAM"]?.split(separator: ":"), parts.count == 2,
      let device = UInt64(parts[0]), let inode = UInt64(parts[1])
    else { return false }
    var status = stat()
    // Programs inherit the variable even if their standard error goes elsewhere. The system writes one
    // `stat`.
    return unsafe fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode
  }

  /// True if a journal runs. Without one, messages sent to it are lost.
  package static var isRunning: Bool {
    // The pointer to the path is used only during the call.
    unsafe access("/run/systemd/journal/socket", W_OK) == 0
  }

  /// Sends an entry.
  ///
  /// - Returns: whether the journal accepted it.
  @discardableResult
  package static func send(_ entry: JournalEntry) -> Bool {
    // libsystemd reads exactly these vectors, and keeps no pointer.
    unsafe entry.withVectors { vectors in
      unsafe sd_journal_sendv(vectors.baseAddress, Int32(vectors.count)) == 0
    }
  }
}

/// A journal entry: fields with a name and a value (systemd.journal-fields(7)).
package struct JournalEntry: Sendable {
  /// The fields one after the other, each in the form `NAME=value`.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  /// Adds a field. A field with an invalid name is dropped, because the journal would reject the whole
  /// entry.
  ///
  /// - Parameter name: 1 to 64 capital letters, digits and underscores, starting with a letter.
  package mutating func add(_ name: String, _ value: String) {
    guard Self.isFieldName(name) else { return }
    bytes += name.utf8
    bytes.append(UInt8(ascii: "="))
    bytes += value.utf8
    ends.append(bytes.count)
  }

  private static func isFieldName(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), let first = name.utf8.first,
      (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first)
    else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// The fields as text, for tests and debugging.
  package var fields: [String] {
    var start = 0
    return ends.map { end in
      defer { start = end }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
  }

  /// Gives the fields to a closure, which must not keep the vectors.
  fileprivate func withVectors<Result>(
    _ body: (UnsafeMutableBufferPointer<iovec>) -> Result
  ) -> Result {
    var copy = bytes
    // Each vector is a part of the copy, which outlives the inner closure.
    return unsafe copy.withUnsafeMutableBytes { buffer in
      var start = 0
      var vectors = unsafe ends.map { end in
        defer { start = end }
        return unsafe iovec(iov_base: buffer.baseAddress?.advanced(by: start), iov_len: end - start)
      }
      return unsafe vectors.withUnsafeMutableBufferPointer { unsafe body($0) }
    }
  }
}
