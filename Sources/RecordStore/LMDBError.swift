import CLMDB
import Glibc

/// What a call of LMDB came to when it failed: one of its own codes, or an error number.
struct LMDBError: Error, Hashable {
  let code: Int32

  init(_ code: Int32) { self.code = code }

  /// Throws unless the code means success.
  static func check(_ code: Int32) throws(LMDBError) {
    if code != MDB_SUCCESS { throw LMDBError(code) }
  }

  /// Whether the structure of the file is not what LMDB wrote.
  var isDamage: Bool {
    switch code {
    case MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_CURSOR_FULL,
      MDB_PAGE_FULL, MDB_INCOMPATIBLE, MDB_BAD_VALSIZE, MDB_BAD_DBI, MDB_DBS_FULL:
      true
    default: false
    }
  }

  /// Whether nothing can be done with the environment any more.
  var isFatal: Bool { code == MDB_PANIC || code == MDB_BAD_RSLOT || isDamage }

  /// Whether the disk, or the share of it that its user has, is used up.
  var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

  /// What a person reads of it.
  var reason: String { String(cString: mdb_strerror(code)) }
}
