import CLMDB
import Glibc

/// The error of a call of LMDB: one of its own codes, or an error number.
struct LMDBError: Error, Hashable {
  let code: Int32

  init(_ code: Int32) { self.code = code }

  /// Throws unless the code means success.
  static func check(_ code: Int32) throws(LMDBError) {
    if code != MDB_SUCCESS { throw LMDBError(code) }
  }

  /// True if the file is damaged.
  var isDamage: Bool {
    switch code {
    case MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_CURSOR_FULL,
      MDB_PAGE_FULL, MDB_INCOMPATIBLE, MDB_BAD_VALSIZE, MDB_BAD_DBI, MDB_DBS_FULL:
      true
    default: false
    }
  }

  /// True if the environment can no longer be used.
  var isFatal: Bool { code == MDB_PANIC || code == MDB_BAD_RSLOT || isDamage }

  /// True if the disk or its user's quota is full.
  var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

  /// The description of the error.
  var reason: String {
    // The text is LMDB's constant, or the C library's for this thread, and ends with a zero byte.
    unsafe String(cString: mdb_strerror(code))
  }
}
