import CLMDB

/// One database in the file, by its handle.
typealias Table = MDB_dbi

/// A transaction of LMDB. What it returns of the map is valid until its next change or its end.
struct Transaction {
  private let handle: OpaquePointer

  init(handle: OpaquePointer) { self.handle = handle }

  // MARK: - Its life

  /// Makes its changes durable; it is over then, whatever came of it.
  func commit() throws(LMDBError) { try LMDBError.check(mdb_txn_commit(handle)) }

  /// Undoes its changes; it is over then.
  func abort() { mdb_txn_abort(handle) }

  /// Lets go of what a reader sees, and keeps the transaction itself for `renew`.
  func reset() { mdb_txn_reset(handle) }

  /// Begins a reader again after `reset`.
  func renew() throws(LMDBError) { try LMDBError.check(mdb_txn_renew(handle)) }

  // MARK: - Tables

  /// A named database, made if this may write.
  func open(_ name: String) throws(LMDBError) -> Table {
    var table = Table()
    try LMDBError.check(mdb_dbi_open(handle, name, UInt32(MDB_CREATE), &table))
    return table
  }

  /// How many entries and pages a database has, the changes of this transaction among them.
  func extent(of table: Table) throws(LMDBError) -> TableExtent {
    var stat = MDB_stat()
    try LMDBError.check(mdb_stat(handle, table, &stat))
    return TableExtent(
      entries: stat.ms_entries,
      pages: stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages)
  }

  // MARK: - Entries

  /// The value under a key, in the map.
  func get(_ table: Table, _ key: [UInt8]) throws(LMDBError) -> UnsafeRawBufferPointer? {
    var value = MDB_val()
    let code = key.withUnsafeBytes { bytes in
      var key = MDB_val(bytes)
      return mdb_get(handle, table, &key, &value)
    }
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code)
    return UnsafeRawBufferPointer(value)
  }

  /// Puts a value under a key, in the place of one that is there.
  func put(_ table: Table, _ key: [UInt8], _ value: [UInt8]) throws(LMDBError) {
    let code = key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        var key = MDB_val(key)
        var value = MDB_val(value)
        return mdb_put(handle, table, &key, &value, 0)
      }
    }
    try LMDBError.check(code)
  }

  /// Removes what is under a key.
  ///
  /// - Returns: whether there was something.
  @discardableResult
  func delete(_ table: Table, _ key: [UInt8]) throws(LMDBError) -> Bool {
    let code = key.withUnsafeBytes { bytes in
      var key = MDB_val(bytes)
      return mdb_del(handle, table, &key, nil)
    }
    if code == MDB_NOTFOUND { return false }
    try LMDBError.check(code)
    return true
  }

  /// Visits entries in the order of their keys, from the first that is not less than `first`, until
  /// the visitor says that it has enough.
  ///
  /// - Parameter visit: takes a key and a value, in the map; true to go on. It must not change
  ///   anything.
  func walk(
    _ table: Table, from first: [UInt8],
    _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(LMDBError) -> Bool
  ) throws(LMDBError) {
    // Damaged branches can lead round in a circle; no sound walk is longer than this.
    var stepsLeft = try extent(of: table).entries
    var opened: OpaquePointer?
    try LMDBError.check(mdb_cursor_open(handle, table, &opened))
    defer { mdb_cursor_close(opened) }
    var key = MDB_val()
    var value = MDB_val()
    var code = first.withUnsafeBytes { bytes in
      key = MDB_val(bytes)
      // With an empty key LMDB finds nothing, where the first entry is meant.
      return mdb_cursor_get(opened, &key, &value, bytes.isEmpty ? MDB_FIRST : MDB_SET_RANGE)
    }
    while code == MDB_SUCCESS, stepsLeft > 0 {
      stepsLeft -= 1
      guard try visit(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value)) else { return }
      code = mdb_cursor_get(opened, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { try LMDBError.check(code) }
  }
}

/// How much a database holds.
struct TableExtent {
  let entries: Int
  let pages: Int
}

extension MDB_val {
  /// Bytes that LMDB only reads, whatever its type says.
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate init(_ value: MDB_val) {
    self.init(start: value.mv_data, count: value.mv_data == nil ? 0 : value.mv_size)
  }
}
