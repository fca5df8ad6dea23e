import Glibc
import NodeTime
import Platform
import SystemPackage

/// The files of a store in the node's directory, which no other process uses.
struct StoreFiles {
  let directory: String

  /// The records.
  var records: String { directory + "/records.mdb" }
  /// The file of the dirty flag.
  var dirtyFlag: String { directory + "/records.mark" }
  /// The file of a recovery that is not complete.
  var salvage: String { directory + "/records.salvage.mdb" }

  /// LMDB's table of readers beside a file.
  static func lock(of path: String) -> String { path + "-lock" }

  /// Removes files that an ended process left behind. There are no readers now, and an incomplete recovery
  /// is repeated.
  func removeLeftovers() {
    // The pointer to each path is used only during the call.
    for path in [Self.lock(of: records), salvage, Self.lock(of: salvage)] { unsafe unlink(path) }
  }

  /// Replaces the damaged file by the recovered one, and keeps the damaged file under another name. At every
  /// moment one of the two complete files is in place.
  ///
  /// - Returns: the new path of the damaged file.
  /// - Throws: `RecordStoreError.unusable`.
  func replaceRecords(at now: WallTime) throws(RecordStoreError) -> String {
    let kept = try keepDamaged(at: now)
    // The pointers to the paths are used only during the calls.
    guard unsafe rename(salvage, records) == 0 else {
      throw .unusable(path: records, reason: Errno.current.description)
    }
    try syncDirectory()
    return kept
  }

  private func keepDamaged(at now: WallTime) throws(RecordStoreError) -> String {
    let base = directory + "/records.damaged-" + Self.timestamp(now)
    // The pointers to the paths are used only during the calls.
    for number in 1...1000 {
      let name = base + (number == 1 ? "" : "-\(number)") + ".mdb"
      if unsafe link(records, name) == 0 { return name }
      if errno == EEXIST { continue }
      // Not every file system supports hard links.
      if unsafe access(name, F_OK) != 0, errno == ENOENT, unsafe rename(records, name) == 0 { return name }
      throw .unusable(path: name, reason: Errno.current.description)
    }
    throw .unusable(path: base + ".mdb", reason: Errno.fileExists.description)
  }

  /// Makes new names durable.
  func syncDirectory() throws(RecordStoreError) {
    // The pointer to the path is used only during the call.
    let descriptor = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unusable(path: directory, reason: Errno.current.description) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .unusable(path: directory, reason: Errno.current.description) }
  }

  /// Formats a time like `20250131T235959Z`.
  static func timestamp(_ time: WallTime) -> String {
    // C writes one `tm`, of which only numbers are read.
    var seconds = time_t(time.seconds)
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    func digits(_ number: Int32, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return unsafe digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2)
      + "T"
      + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2) + "Z"
  }
}
