import Glibc
import NodeTime
import Platform
import SystemPackage

/// The files of a store in its directory, which is the node's own, and which no other process uses.
struct StoreFiles {
  let directory: String

  /// The records.
  var records: String { directory + "/records.mdb" }
  /// Whether something was wrong with them.
  var mark: String { directory + "/records.mark" }
  /// What a salvage writes to, until it is done.
  var salvage: String { directory + "/records.salvage.mdb" }

  /// What LMDB keeps beside a file: who reads it.
  static func lock(of path: String) -> String { path + "-lock" }

  /// Removes what a process left that has ended: nobody reads the file now, and a half-done salvage is
  /// done again.
  func removeLeftovers() {
    for path in [Self.lock(of: records), salvage, Self.lock(of: salvage)] { unlink(path) }
  }

  /// Puts the salvaged file in the place of the damaged one, which is kept under another name. At no
  /// moment is there no file, or only a half-done one, in that place.
  ///
  /// - Returns: where the damaged file is now.
  /// - Throws: `RecordStoreError.unusable`.
  func replaceRecords(at now: WallTime) throws(RecordStoreError) -> String {
    let kept = try keepDamaged(at: now)
    guard rename(salvage, records) == 0 else {
      throw .unusable(path: records, reason: Errno.current.description)
    }
    try syncDirectory()
    return kept
  }

  private func keepDamaged(at now: WallTime) throws(RecordStoreError) -> String {
    let base = directory + "/records.damaged-" + Self.timestamp(now)
    for number in 1...1000 {
      let name = base + (number == 1 ? "" : "-\(number)") + ".mdb"
      if link(records, name) == 0 { return name }
      if errno == EEXIST { continue }
      // Not every file system has a second name for a file.
      if access(name, F_OK) != 0, errno == ENOENT, rename(records, name) == 0 { return name }
      throw .unusable(path: name, reason: Errno.current.description)
    }
    throw .unusable(path: base + ".mdb", reason: Errno.fileExists.description)
  }

  /// Makes names durable.
  func syncDirectory() throws(RecordStoreError) {
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unusable(path: directory, reason: Errno.current.description) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .unusable(path: directory, reason: Errno.current.description) }
  }

  /// A time as `20250131T235959Z`.
  static func timestamp(_ time: WallTime) -> String {
    var seconds = time_t(time.seconds)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ number: Int32, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2) + "T"
      + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2) + "Z"
  }
}
