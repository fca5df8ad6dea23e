import CFaultMark
import CLMDB
import Glibc
import Synchronization

/// An open LMDB file.
///
/// Unchecked, for what it holds is a bare pointer: LMDB says that an environment may be used by any
/// threads. The one call for which that is not so, a change of the map's size, is kept apart from
/// transactions here: see `grow`.
final class Environment: @unchecked Sendable {
  /// What a file is called; beside it LMDB keeps a table of readers.
  let path: String
  let pageSize: Int
  private let handle: OpaquePointer
  /// Held while a reader uses the map; the map moves only while this is held.
  private let map: Mutex<Int>

  /// The most named databases in a file.
  private static let maxTables: MDB_dbi = 8

  /// Opens a file, and makes it if there is none.
  ///
  /// - Parameter mapSize: the most bytes of the file. A longer file is mapped whole.
  /// - Throws: `LMDBError`.
  init(path: String, mapSize: Int) throws(LMDBError) {
    let systemPage = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
    let size = max(mapSize / systemPage * systemPage, 64 * systemPage)
    var created: OpaquePointer?
    try LMDBError.check(mdb_env_create(&created))
    guard let handle = created else { throw LMDBError(ENOMEM) }
    do throws(LMDBError) {
      try LMDBError.check(mdb_env_set_mapsize(handle, size))
      try LMDBError.check(mdb_env_set_maxdbs(handle, Self.maxTables))
      // LMDB aborts the process on what it takes for impossible: only damage can be behind that.
      try LMDBError.check(mdb_env_set_assert(handle) { _, _ in cfaultmark_set_all() })
      // A transaction belongs to no thread, so that one reader is kept and used again. Records are
      // found by a hash, so reading ahead would fill the memory with pages nobody asked for.
      let flags = UInt32(MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
      try LMDBError.check(mdb_env_open(handle, path, flags, 0o600))
      var stat = MDB_stat()
      try LMDBError.check(mdb_env_stat(handle, &stat))
      pageSize = Int(stat.ms_psize)
      var info = MDB_envinfo()
      try LMDBError.check(mdb_env_info(handle, &info))
      map = Mutex(info.me_mapsize)
    } catch {
      // Closing is right after a failed open too.
      mdb_env_close(handle)
      throw error
    }
    self.handle = handle
    self.path = path
  }

  /// Nothing may use it, nor any transaction of it, after this.
  func close() { mdb_env_close(handle) }

  /// The bytes that the map has room for.
  var mapSize: Int { map.withLock { $0 } }

  /// Runs something while the map stays where it is.
  func holdingMap<Result: Sendable>(
    _ body: () throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try map.withLock { (_) throws(LMDBError) in try body() }
  }

  /// Makes room for a larger file. Called by the thread that writes, between its transactions; readers
  /// are kept out meanwhile. A smaller size changes nothing.
  func grow(to size: Int) throws(LMDBError) {
    try map.withLock { (current) throws(LMDBError) in
      let wanted = size / pageSize * pageSize
      guard wanted > current else { return }
      // LMDB lets go of its map before it makes another, and has none where that fails.
      let trial = mmap(nil, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard trial != MAP_FAILED else { throw LMDBError(errno) }
      munmap(trial, wanted)
      try LMDBError.check(mdb_env_set_mapsize(handle, wanted))
      current = wanted
    }
  }

  /// Begins a transaction that writes; there can be one at a time.
  func beginWriting() throws(LMDBError) -> Transaction {
    try begin(flags: 0)
  }

  /// Begins one that reads. It sees what was committed by now, and what it sees is kept until it is
  /// reset.
  func beginReading() throws(LMDBError) -> Transaction {
    try begin(flags: UInt32(MDB_RDONLY))
  }

  /// Whether it is of no use any more, which every transaction would be told.
  var hasFailed: Bool {
    do throws(LMDBError) {
      try beginReading().abort()
      return false
    } catch {
      return error.isFatal
    }
  }

  private func begin(flags: UInt32) throws(LMDBError) -> Transaction {
    var begun: OpaquePointer?
    try LMDBError.check(mdb_txn_begin(handle, nil, flags, &begun))
    guard let begun else { throw LMDBError(ENOMEM) }
    return Transaction(handle: begun)
  }

  /// Makes the file at least as long as its last page says. LMDB never writes a last page that was
  /// freed again in the transaction that took it, and a file that is too short means damage here.
  func fillUp() {
    var info = MDB_envinfo()
    var descriptor: mdb_filehandle_t = -1
    guard mdb_env_info(handle, &info) == MDB_SUCCESS,
      mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS
    else { return }
    var status = stat()
    let length = (info.me_last_pgno + 1) * pageSize
    guard fstat(descriptor, &status) == 0, status.st_size < length else { return }
    _ = ftruncate(descriptor, length)
  }

  /// Has the file system set room aside after the file's last page, for changes are made on copies of
  /// pages: without it nothing could be removed from a store on a full disk. Where the disk is full
  /// already, or the file system knows no such thing, there is none.
  ///
  /// Called by the thread that writes.
  func setRoomAside() {
    var info = MDB_envinfo()
    var descriptor: mdb_filehandle_t = -1
    guard mdb_env_info(handle, &info) == MDB_SUCCESS,
      mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS
    else { return }
    let end = (info.me_last_pgno + 1) * pageSize
    let length = min(Self.roomSetAside, mapSize - end)
    // The file keeps its length; blocks that it has already are passed over.
    if length > 0 { _ = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, off_t(end), off_t(length)) }
  }

  /// The copies that a few changes make.
  static let roomSetAside = 512 << 10

  /// The bytes that this file may have in use on its disk, so that there is still room for copies; nil if
  /// the file system does not say.
  var bytesOnDisk: Int? {
    var descriptor: mdb_filehandle_t = -1
    var status = stat()
    guard let left = bytesLeftOnDisk, mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS,
      fstat(descriptor, &status) == 0
    else { return nil }
    // Its own blocks, those that are set aside among them, whatever its length.
    let (bytes, overflow) = left.addingReportingOverflow(Int(status.st_blocks) * 512)
    return overflow ? .max : bytes - Self.roomSetAside
  }

  /// Bytes that the file system has left for this file; nil if it does not say.
  var bytesLeftOnDisk: Int? {
    var descriptor: mdb_filehandle_t = -1
    var status = statvfs()
    guard mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS, fstatvfs(descriptor, &status) == 0
    else { return nil }
    let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
    return overflow ? .max : bytes
  }
}
