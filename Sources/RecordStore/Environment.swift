import CDirtyFlag
import CLMDB
import Glibc
import Synchronization

/// An open LMDB file.
///
/// `@unchecked` because it holds a bare pointer: LMDB allows any thread to use an environment. Changing the
/// size of the map is the exception, and `grow` keeps it apart from transactions.
///
/// `@safe` until `close`, whose caller guarantees that nothing uses the environment afterwards. LMDB keeps no
/// pointer to an argument, and a call that succeeds has set its out-parameters.
@safe final class Environment: @unchecked Sendable {
  /// The path of the file. LMDB keeps a table of readers beside it.
  let path: String
  let pageSize: Int
  private let handle: OpaquePointer
  /// Locked while a reader uses the map. The map moves only while this is locked.
  private let map: Mutex<Int>

  /// The most named databases in a file.
  private static let maxTables: MDB_dbi = 8

  /// Opens a file, and creates it if it is missing.
  ///
  /// - Parameter mapSize: the most bytes of the file. A longer file is mapped whole.
  /// - Throws: `LMDBError`.
  init(path: String, mapSize: Int) throws(LMDBError) {
    let systemPage = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
    let size = max(mapSize / systemPage * systemPage, 64 * systemPage)
    var created: OpaquePointer?
    try unsafe LMDBError.check(mdb_env_create(&created))
    guard let handle = unsafe created else { throw LMDBError(ENOMEM) }
    do throws(LMDBError) {
      try unsafe LMDBError.check(mdb_env_set_mapsize(handle, size))
      try unsafe LMDBError.check(mdb_env_set_maxdbs(handle, Self.maxTables))
      // LMDB aborts the process on states that it considers impossible, which only damage can cause.
      try unsafe LMDBError.check(mdb_env_set_assert(handle) { _, _ in cdirtyflag_set_all() })
      // A transaction belongs to no thread, so one reader is kept and reused. Records are found by a hash,
      // so reading ahead would fill the memory with unused pages.
      let flags = UInt32(MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
      try unsafe LMDBError.check(mdb_env_open(handle, path, flags, 0o600))
      var stat = MDB_stat()
      try unsafe LMDBError.check(mdb_env_stat(handle, &stat))
      pageSize = Int(stat.ms_psize)
      var info = unsafe MDB_envinfo()
      try unsafe LMDBError.check(mdb_env_info(handle, &info))
      map = unsafe Mutex(info.me_mapsize)
    } catch {
      // An environment must be closed after a failed open, too.
      unsafe mdb_env_close(handle)
      throw error
    }
    unsafe self.handle = handle
    self.path = path
  }

  /// Closes the file. Neither it nor its transactions may be used after this.
  @unsafe func close() { unsafe mdb_env_close(handle) }

  /// The size of the map in bytes.
  var mapSize: Int { map.withLock { $0 } }

  /// Runs a function while the map stays in place.
  func holdingMap<Result: Sendable>(
    _ body: () throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try map.withLock { (_) throws(LMDBError) in try body() }
  }

  /// Makes room for a larger file. The writing thread calls it between transactions, and readers wait
  /// meanwhile. A smaller size changes nothing.
  func grow(to size: Int) throws(LMDBError) {
    try map.withLock { (current) throws(LMDBError) in
      let wanted = size / pageSize * pageSize
      guard wanted > current else { return }
      // The trial mapping is never accessed, and no transaction is open while LMDB makes another map.
      // LMDB unmaps its map before it creates a larger one, and has none if that fails.
      let trial = unsafe mmap(nil, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard unsafe trial != MAP_FAILED else { throw LMDBError(errno) }
      unsafe munmap(trial, wanted)
      try unsafe LMDBError.check(mdb_env_set_mapsize(handle, wanted))
      current = wanted
    }
  }

  /// Begins a write transaction. There can be one at a time.
  func beginWriting() throws(LMDBError) -> Transaction {
    try begin(flags: 0)
  }

  /// Begins a read transaction. It sees everything committed by now, which is kept until it is reset.
  func beginReading() throws(LMDBError) -> Transaction {
    try begin(flags: UInt32(MDB_RDONLY))
  }

  /// True if the environment has failed, which every transaction would report.
  var hasFailed: Bool {
    do throws(LMDBError) {
      // Nothing else refers to this transaction.
      try unsafe beginReading().abort()
      return false
    } catch {
      return error.isFatal
    }
  }

  private func begin(flags: UInt32) throws(LMDBError) -> Transaction {
    var begun: OpaquePointer?
    try unsafe LMDBError.check(mdb_txn_begin(handle, nil, flags, &begun))
    guard let begun = unsafe begun else { throw LMDBError(ENOMEM) }
    return unsafe Transaction(handle: begun)
  }

  /// Extends the file to the length that its last page implies. LMDB never writes a last page that the same
  /// transaction took and freed again, and a file that is too short means damage here.
  func fillUp() {
    var info = unsafe MDB_envinfo()
    var descriptor: mdb_filehandle_t = -1
    guard unsafe mdb_env_info(handle, &info) == MDB_SUCCESS,
      unsafe mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS
    else { return }
    var status = stat()
    let length = unsafe (info.me_last_pgno + 1) * pageSize
    guard unsafe fstat(descriptor, &status) == 0, status.st_size < length else { return }
    _ = ftruncate(descriptor, length)
  }

  /// Reserves disk space after the file's last page. Changes are made on copies of pages, so without it
  /// nothing could be removed from a store on a full disk. If the disk is already full, or the file system
  /// does not support it, nothing is reserved.
  ///
  /// The writing thread calls it.
  func setRoomAside() {
    var info = unsafe MDB_envinfo()
    var descriptor: mdb_filehandle_t = -1
    guard unsafe mdb_env_info(handle, &info) == MDB_SUCCESS,
      unsafe mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS
    else { return }
    let end = unsafe (info.me_last_pgno + 1) * pageSize
    let length = min(Self.roomSetAside, mapSize - end)
    // The length of the file stays, and allocated blocks are skipped.
    if length > 0 { _ = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, off_t(end), off_t(length)) }
  }

  /// The bytes that the copies of a few changes take.
  static let roomSetAside = 512 << 10

  /// The bytes that this file may use on its disk so that there is still room for copies; nil if the file
  /// system does not say.
  var bytesOnDisk: Int? {
    var descriptor: mdb_filehandle_t = -1
    var status = stat()
    guard let left = bytesLeftOnDisk, unsafe mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS,
      unsafe fstat(descriptor, &status) == 0
    else { return nil }
    // The file's own blocks, including the reserved ones, whatever its length.
    let (bytes, overflow) = left.addingReportingOverflow(Int(status.st_blocks) * 512)
    return overflow ? .max : bytes - Self.roomSetAside
  }

  /// The free bytes of the file system; nil if it does not say.
  var bytesLeftOnDisk: Int? {
    var descriptor: mdb_filehandle_t = -1
    var status = statvfs()
    guard unsafe mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS, unsafe fstatvfs(descriptor, &status) == 0
    else { return nil }
    let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
    return overflow ? .max : bytes
  }
}
