import CLMDB

/// The handle of a database in the file.
typealias TableHandle = MDB_dbi

/// An LMDB transaction. Bytes of the map that it shows are valid until its next change or its end.
///
/// `@safe` as long as it lasts: closures see the map as spans, which they cannot keep, and LMDB copies the
/// keys and values that it is given. `commit` and `abort` free it: their callers guarantee that nothing uses
/// the transaction afterwards.
@safe struct Transaction {
  private let handle: OpaquePointer

  init(handle: OpaquePointer) { unsafe self.handle = handle }

  // MARK: - Its life

  /// Commits the changes. The transaction ends even if this fails.
  @unsafe func commit() throws(LMDBError) { try unsafe LMDBError.check(mdb_txn_commit(handle)) }

  /// Undoes the changes and ends the transaction.
  @unsafe func abort() { unsafe mdb_txn_abort(handle) }

  /// Ends the snapshot of a reader, and keeps the transaction for `renew`.
  func reset() { unsafe mdb_txn_reset(handle) }

  /// Renews a reader after `reset`.
  func renew() throws(LMDBError) { try unsafe LMDBError.check(mdb_txn_renew(handle)) }

  // MARK: - Tables

  /// Opens a named database. A write transaction creates it if it is missing.
  func open(_ name: String) throws(LMDBError) -> TableHandle {
    var table = TableHandle()
    try unsafe LMDBError.check(mdb_dbi_open(handle, name, UInt32(MDB_CREATE), &table))
    return table
  }

  /// The numbers of entries and pages of a database, including the changes of this transaction.
  func extent(of table: TableHandle) throws(LMDBError) -> TableExtent {
    var stat = MDB_stat()
    try unsafe LMDBError.check(mdb_stat(handle, table, &stat))
    return TableExtent(
      entries: stat.ms_entries,
      pages: stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages)
  }

  // MARK: - Entries

  /// Gives the value under a key to a closure, in the map.
  ///
  /// - Parameter body: must not change anything.
  /// - Returns: what the closure returns; nil if there is no value.
  func withValue<Result>(
    _ table: TableHandle, _ key: [UInt8], _ body: (RawSpan) -> Result
  ) throws(LMDBError) -> Result? {
    // LMDB reads the key while it is called. The value is valid until a change, which the closure must not
    // make.
    var value = unsafe MDB_val()
    let code = unsafe key.withUnsafeBytes { bytes in
      var key = unsafe MDB_val(bytes)
      return unsafe mdb_get(handle, table, &key, &value)
    }
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code)
    return unsafe body(UnsafeRawBufferPointer(value).bytes)
  }

  /// Puts a value under a key, and replaces an existing one.
  func put(_ table: TableHandle, _ key: [UInt8], _ value: [UInt8]) throws(LMDBError) {
    let code = unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeBytes { value in
        var key = unsafe MDB_val(key)
        var value = unsafe MDB_val(value)
        return unsafe mdb_put(handle, table, &key, &value, 0)
      }
    }
    try LMDBError.check(code)
  }

  /// Removes the value under a key.
  ///
  /// - Returns: whether there was a value.
  @discardableResult
  func delete(_ table: TableHandle, _ key: [UInt8]) throws(LMDBError) -> Bool {
    let code = unsafe key.withUnsafeBytes { bytes in
      var key = unsafe MDB_val(bytes)
      return unsafe mdb_del(handle, table, &key, nil)
    }
    if code == MDB_NOTFOUND { return false }
    try LMDBError.check(code)
    return true
  }

  /// Visits entries in the order of their keys, from the first that is not less than `first`, until the
  /// visitor returns false.
  ///
  /// - Parameter visit: called with a key and a value in the map; returns true to go on. It must not change
  ///   anything.
  func walk(
    _ table: TableHandle, from first: [UInt8],
    _ visit: (RawSpan, RawSpan) throws(LMDBError) -> Bool
  ) throws(LMDBError) {
    // After each success the key and the value are set. They are valid until a change, which the visitor must
    // not make. Damaged branches can form a cycle. No sound walk is longer than this.
    var stepsLeft = try extent(of: table).entries
    var opened: OpaquePointer?
    try unsafe LMDBError.check(mdb_cursor_open(handle, table, &opened))
    defer { unsafe mdb_cursor_close(opened) }
    var key = unsafe MDB_val()
    var value = unsafe MDB_val()
    var code = unsafe first.withUnsafeBytes { bytes in
      unsafe key = MDB_val(bytes)
      // LMDB finds nothing with an empty key, so the first entry is requested.
      return unsafe mdb_cursor_get(opened, &key, &value, bytes.isEmpty ? MDB_FIRST : MDB_SET_RANGE)
    }
    while code == MDB_SUCCESS, stepsLeft > 0 {
      stepsLeft -= 1
      guard try unsafe visit(UnsafeRawBufferPointer(key).bytes, UnsafeRawBufferPointer(value).bytes) else {
        return
      }
      code = unsafe mdb_cursor_get(opened, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { try LMDBError.check(code) }
  }
}

/// The size of a database.
struct TableExtent {
  let entries: Int
  let pages: Int
}

extension MDB_val {
  /// Bytes that LMDB only reads, although its type is mutable.
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    unsafe self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate init(_ value: MDB_val) {
    unsafe self.init(start: value.mv_data, count: value.mv_data == nil ? 0 : value.mv_size)
  }
}
