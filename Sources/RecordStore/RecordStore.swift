import Glibc
package import Kademlia
package import NodeTime
import Platform
import SystemPackage

/// A record store on disk, in one LMDB file.
///
/// It is used on one event loop. Reads come directly from the memory map, without a change of threads. A
/// thread of the store carries out the changes, many in one transaction, and makes them durable before it
/// returns their results. Every entry has a checksum, which every read checks. A damaged entry counts as
/// absent, and the next start searches the file.
package final class RecordStore: RecordStorage {
  private let environment: Environment
  private let tables: StoreTables
  private let writer: StoreWriter
  private let damage: DamageLog
  /// Renewed for each call and never held between calls, so that freed pages are reused.
  private let reader: Transaction
  private var isClosed = false

  private init(
    _ environment: Environment, _ tables: StoreTables, _ writer: StoreWriter, _ damage: DamageLog
  ) throws(LMDBError) {
    reader = try environment.beginReading()
    reader.reset()
    self.environment = environment
    self.tables = tables
    self.writer = writer
    self.damage = damage
  }

  deinit { close() }

  // MARK: - Opening

  /// Opens the store in a directory, and creates it if it is missing. No other process may use the
  /// directory.
  ///
  /// If the file is damaged, or its dirty flag is set, its records are recovered into a new store, and the
  /// old file is kept under another name.
  ///
  /// - Parameters:
  ///   - maxBytes: the most bytes of the file. Further records are refused before that: see `usage`.
  ///   - now: the time, for expired records and for the name of a damaged file.
  ///   - progress: called about once a second while a damaged file is searched.
  /// - Returns: the store, and the outcome of the recovery if the file was damaged.
  /// - Throws: `RecordStoreError`.
  package static func open(
    directory: String, maxBytes: Int, at now: WallTime, progress: (SalvageProgress) -> Void = { _ in }
  ) throws(RecordStoreError) -> (store: RecordStore, salvage: Salvage?) {
    let files = StoreFiles(directory: directory)
    let dirtyFlag = try DirtyFlag(path: files.dirtyFlag)
    files.removeLeftovers()
    var salvage: Salvage?
    func search(_ reason: String) throws(RecordStoreError) {
      salvage = try SalvageRun(
        files: files, reason: reason, salt: dirtyFlag.salt, maxBytes: maxBytes, now: now, dirtyFlag: dirtyFlag
      ).run(progress)
    }
    switch try problem(with: files.records, dirtyFlag) {
    case .none: break
    case .damaged(let reason): try search(reason)
    case .flagged:
      let reason = "it may have been damaged when it was last used"
      do throws(RecordStoreError) {
        try search(reason)
      } catch {
        // Each entry is checked when it is read, so the store is used even though it could not be searched.
        // The flag stays set for the next start.
        salvage = Salvage(notSearched: "\(error)", reason: reason)
      }
    }
    for _ in 0..<2 {
      let keepsFlag = salvage?.notSearched != nil
      switch try attempt(files, maxBytes: maxBytes, dirtyFlag, keepsFlag: keepsFlag) {
      case .open(let store):
        // New names are durable only after the directory is synced.
        try files.syncDirectory()
        return (store, salvage)
      case .newer(let format): throw .newerFormat(path: files.records, format: format)
      case .damaged(let reason): try search(reason)
      }
    }
    throw .unusable(path: files.records, reason: "the new file is damaged, too")
  }

  /// The problems of the file that can be found before LMDB opens it; none if there is no file.
  private static func problem(
    with path: String, _ dirtyFlag: DirtyFlag
  ) throws(RecordStoreError) -> Problem {
    // The pointers to the path and the status are used only during the calls.
    let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return .none }
      throw .unusable(path: path, reason: Errno.current.description)
    }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .unusable(path: path, reason: Errno.current.description)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unusable(path: path, reason: "it is not a regular file")
    }
    switch MetaPages.examine(descriptor, size: Int(status.st_size)) {
    case .newer(let version): throw .newerFormat(path: path, format: version)
    case .damaged(let reason): return .damaged(reason)
    case .sound: return dirtyFlag.wasSet ? .flagged : .none
    }
  }

  private enum Problem {
    case none
    /// The file cannot be used.
    case damaged(String)
    /// The file looks sound, and should be searched.
    case flagged
  }

  private enum Attempt {
    case open(RecordStore)
    case newer(format: Int)
    case damaged(String)
  }

  private static func attempt(
    _ files: StoreFiles, maxBytes: Int, _ dirtyFlag: DirtyFlag, keepsFlag: Bool
  ) throws(RecordStoreError) -> Attempt {
    var opened: Environment?
    do throws(LMDBError) {
      let environment = try Environment(path: files.records, mapSize: maxBytes)
      opened = environment
      switch try openTables(of: environment) {
      // Nothing else refers to the environment, and this function returns.
      case .newer(let format):
        unsafe environment.close()
        return .newer(format: format)
      case .damaged:
        unsafe environment.close()
        return .damaged("its metadata is damaged")
      case .ready(let tables, let metadata, let usage):
        // From here on faults are recorded, and the flag of a completed search can be cleared.
        if !keepsFlag, dirtyFlag.wasSet || dirtyFlag.salt != metadata.salt {
          try LMDBError.check(dirtyFlag.clear(salt: metadata.salt))
        }
        let damage = DamageLog(dirtyFlag: dirtyFlag)
        let writer = try StoreWriter(
          environment, tables, metadata: metadata, usage: usage, limit: StoreLimit(maxBytes: maxBytes),
          damage: damage)
        do throws(LMDBError) {
          return .open(try RecordStore(environment, tables, writer, damage))
        } catch {
          writer.close()
          throw error
        }
      }
    } catch {
      // Everything that used the environment is gone.
      unsafe opened?.close()
      if error.isDamage { return .damaged(error.reason) }
      throw .unusable(path: files.records, reason: error.reason)
    }
  }

  private enum Tables {
    case ready(StoreTables, StoreMetadata, StoreUsage)
    case newer(format: Int)
    case damaged
  }

  private static func openTables(of environment: Environment) throws(LMDBError) -> Tables {
    var random = SystemRandomNumberGenerator()
    let transaction = try environment.beginWriting()
    let result: Tables
    do throws(LMDBError) {
      let (tables, reading) = try StoreTables.open(in: transaction, saltOfNew: random.next())
      switch reading {
      case .newer(let format): result = .newer(format: format)
      case .damaged: result = .damaged
      case .current(let metadata):
        if try transaction.withValue(tables.meta, StoreTables.metadataKey, { _ in }) == nil {
          try transaction.put(tables.meta, StoreTables.metadataKey, metadata.encoded())
        }
        let usage = try tables.usage(in: transaction, metadata: metadata, pageSize: environment.pageSize)
        result = .ready(tables, metadata, usage)
      }
    } catch {
      // Nothing uses the transaction after it has ended, here and below.
      unsafe transaction.abort()
      throw error
    }
    if case .ready = result { try unsafe transaction.commit() } else { unsafe transaction.abort() }
    return result
  }

  // MARK: - Reading

  package func stored(_ id: RecordID) -> StoredRecord? {
    read(or: nil) { (transaction) throws(LMDBError) in
      let slot = try tables.lookUp(id, in: .records, of: transaction)
      if case .damaged = slot { damage.note(id) }
      return slot.stored
    }
  }

  package func records(from first: RecordID, limit: Int) -> [StoredRecord] {
    entries(of: .records, from: first, limit: limit)
  }

  package func publications(from first: RecordID, limit: Int) -> [Record] {
    entries(of: .publications, from: first, limit: limit).map(\.record)
  }

  private func entries(of table: EntryTable, from first: RecordID, limit: Int) -> [StoredRecord] {
    guard limit > 0 else { return [] }
    return read(or: []) { (transaction) throws(LMDBError) in
      var found: [StoredRecord] = []
      try transaction.walk(tables.table(table), from: first.key) { (key, value) in
        guard let id = RecordID(key: key) else { return true }
        if let stored = tables.coding.decode(value, id: id, in: table) {
          found.append(stored)
        } else {
          damage.note(id)
        }
        return found.count < limit
      }
      return found
    }
  }

  /// A page of the live values, sorted by key, byte by byte. Keys that agree in the first 480 bytes (a zero
  /// byte counts twice) are sorted by target.
  ///
  /// The cost is that of the page's records, and a step for each expired record among them.
  package func page(
    prefix: [UInt8], after cursor: PagePlace?, limit: Int, at now: WallTime
  ) -> [Record] {
    guard limit > 0 else { return [] }
    let start = IndexKey.escaped(prefix)
    let after = cursor.map { IndexKey(of: $0.key, target: $0.id.target).key }
    let first = if let after, start.lexicographicallyPrecedes(after) { after } else { start }
    return read(or: []) { (transaction) throws(LMDBError) in
      var page: [Record] = []
      try transaction.walk(tables.keys, from: first) { (key, value) throws(LMDBError) in
        guard key.starts(with: start) else { return false }
        if let after, key.byteCount == after.count, key.starts(with: after) { return true }
        guard let target = IndexKey.target(in: key), let index = IndexValue(value),
          index.expiry > now.seconds
        else { return true }
        let id = RecordID(index.kind, target)
        let slot = try tables.lookUp(id, in: .records, of: transaction)
        // An index entry without a record means damage of the index or the tree.
        if slot.stored == nil { damage.note(id) }
        // The index contains only the first bytes of a key.
        if let record = slot.stored?.live(at: now), record.isValue, record.key.starts(with: prefix) {
          page.append(record)
        }
        return page.count < limit
      }
      return page
    }
  }

  /// The usage after the last commit. `bytes` are the pages in use. New entries are refused at `limit`,
  /// which is an eighth below `maxBytes` (1 MiB, or half of a small store), because changes are made on
  /// copies of pages.
  package var usage: StoreUsage { writer.usage }

  package var progress: UpkeepProgress { writer.progress }

  package var damagedRecords: Int { damage.count }

  package var isDurable: Bool { true }

  /// The reason why the store has failed; nil while it works. Reads then find nothing, and changes fail. The
  /// process should end, and the next start searches the file.
  package var failure: String? { damage.failure }

  private func read<Result: Sendable>(
    or nothing: Result, _ body: (Transaction) throws(LMDBError) -> Result
  ) -> Result {
    guard !isClosed, damage.failure == nil else { return nothing }
    do throws(LMDBError) {
      return try environment.holdingMap { () throws(LMDBError) in
        try reader.renew()
        defer { reader.reset() }
        return try body(reader)
      }
    } catch {
      // After any error the store has failed, because otherwise records would seem to be missing.
      if damage.noteFailure(error) { writer.callNotify() }
      return nothing
    }
  }

  // MARK: - Changing

  package func submit(_ changes: [(change: StoreChange, id: CommitID)]) { writer.submit(changes) }

  package func takeResults() -> [StoreResult] { writer.takeResults() }

  /// Sets a function that the writing thread calls after each commit, and when the store fails (see
  /// `failure`).
  package func notify(_ resultsCame: @escaping @Sendable () -> Void) { writer.notify(resultsCame) }

  /// The most bytes of the file. A larger limit applies from the next change on.
  package var maxBytes: Int {
    get { writer.limit.maxBytes }
    set { writer.limit = StoreLimit(maxBytes: newValue) }
  }

  package func close() {
    guard !isClosed else { return }
    isClosed = true
    writer.close()
    // The writer has ended, and `isClosed` keeps out those who would read.
    unsafe reader.abort()
    unsafe environment.close()
  }
}
