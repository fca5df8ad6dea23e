import Glibc
package import Kademlia
package import NodeTime
import Platform
import SystemPackage

/// Records on the disk, in one file of LMDB.
///
/// It is used on one event loop. Reads come straight from the memory map, without a change of threads;
/// changes are carried out by a thread of its own, many in one transaction, and are durable before their
/// results are there to take. Every entry has a checksum, which every read checks: a damaged one counts
/// as absent, and has the next start look at all of the file.
package final class RecordStore: RecordStorage {
  private let environment: Environment
  private let tables: StoreTables
  private let writer: StoreWriter
  private let damage: DamageLog
  /// Begun anew for each call and never held between them, so that freed pages are used again.
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

  /// Opens the store in a directory, and makes it if there is none. The directory must be this process's
  /// alone.
  ///
  /// A file that is damaged, or that was marked while it was last used, is searched for its records, and
  /// the store begins anew with those; the file is kept under another name.
  ///
  /// - Parameters:
  ///   - maxBytes: the most bytes of the file. Further records are refused before that: see `usage`.
  ///   - now: for what has expired, and for the name of a damaged file.
  ///   - progress: called at least every second or so while a damaged file is searched.
  /// - Returns: the store, and what became of a damaged file if there was one.
  /// - Throws: `RecordStoreError`.
  package static func open(
    directory: String, maxBytes: Int, at now: WallTime, progress: (SalvageProgress) -> Void = { _ in }
  ) throws(RecordStoreError) -> (store: RecordStore, salvage: Salvage?) {
    let files = StoreFiles(directory: directory)
    let mark = try DirtyFlag(path: files.mark)
    files.removeLeftovers()
    var salvage: Salvage?
    func search(_ reason: String) throws(RecordStoreError) {
      salvage = try SalvageRun(
        files: files, reason: reason, salt: mark.salt, maxBytes: maxBytes, now: now, mark: mark
      ).run(progress)
    }
    switch try problem(with: files.records, mark) {
    case .none: break
    case .damaged(let reason): try search(reason)
    case .marked:
      let reason = "something was wrong with it when it was last used"
      do throws(RecordStoreError) {
        try search(reason)
      } catch {
        // Each entry is checked when it is read: better a store that is not searched than none. The mark
        // stays for the next start.
        salvage = Salvage(notSearched: "\(error)", reason: reason)
      }
    }
    for _ in 0..<2 {
      let keepsMark = salvage?.notSearched != nil
      switch try attempt(files, maxBytes: maxBytes, mark, keepsMark: keepsMark) {
      case .open(let store):
        // Names are durable only once their directory is.
        try files.syncDirectory()
        return (store, salvage)
      case .newer(let format): throw .newerFormat(path: files.records, format: format)
      case .damaged(let reason): try search(reason)
      }
    }
    throw .unusable(path: files.records, reason: "it is damaged again at once")
  }

  /// What is wrong with the file, by what can be told before LMDB opens it; nothing if there is none.
  private static func problem(
    with path: String, _ mark: DirtyFlag
  ) throws(RecordStoreError) -> Problem {
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return .none }
      throw .unusable(path: path, reason: Errno.current.description)
    }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unusable(path: path, reason: Errno.current.description)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unusable(path: path, reason: "it is not a plain file")
    }
    switch MetaPages.examine(descriptor, size: Int(status.st_size)) {
    case .newer(let version): throw .newerFormat(path: path, format: version)
    case .damaged(let reason): return .damaged(reason)
    case .sound: return mark.wasSet ? .marked : .none
    }
  }

  private enum Problem {
    case none
    /// It cannot be used as it is.
    case damaged(String)
    /// It looks sound, and should be searched.
    case marked
  }

  private enum Attempt {
    case open(RecordStore)
    case newer(format: Int)
    case damaged(String)
  }

  private static func attempt(
    _ files: StoreFiles, maxBytes: Int, _ mark: DirtyFlag, keepsMark: Bool
  ) throws(RecordStoreError) -> Attempt {
    var opened: Environment?
    do throws(LMDBError) {
      let environment = try Environment(path: files.records, mapSize: maxBytes)
      opened = environment
      switch try openTables(of: environment) {
      case .newer(let format):
        environment.close()
        return .newer(format: format)
      case .damaged:
        environment.close()
        return .damaged("what it says about itself is damaged")
      case .ready(let tables, let ledger, let usage):
        // From here on a fault can be told; and a search that was due is over.
        if !keepsMark, mark.wasSet || mark.salt != ledger.salt {
          try LMDBError.check(mark.clear(salt: ledger.salt))
        }
        let damage = DamageLog(mark: mark)
        let writer = try StoreWriter(
          environment, tables, ledger: ledger, usage: usage, limit: StoreLimit(maxBytes: maxBytes),
          damage: damage)
        do throws(LMDBError) {
          return .open(try RecordStore(environment, tables, writer, damage))
        } catch {
          writer.close()
          throw error
        }
      }
    } catch {
      opened?.close()
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
      case .current(let ledger):
        if try transaction.get(tables.meta, StoreTables.ledgerKey) == nil {
          try transaction.put(tables.meta, StoreTables.ledgerKey, ledger.encoded())
        }
        let usage = try tables.usage(in: transaction, ledger: ledger, pageSize: environment.pageSize)
        result = .ready(tables, ledger, usage)
      }
    } catch {
      transaction.abort()
      throw error
    }
    if case .ready = result { try transaction.commit() } else { transaction.abort() }
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

  /// A page of the live values in the order of their keys, byte by byte. Keys that are alike for
  /// 480 bytes (a zero byte counts twice) come in the order of their targets.
  ///
  /// The work is that for the records of the page, and a step for each that has expired among them.
  package func page(
    prefix: [UInt8], after cursor: PagePlace?, limit: Int, at now: WallTime
  ) -> [Record] {
    guard limit > 0 else { return [] }
    let start = IndexKey.spelling(of: prefix)
    let after = cursor.map { IndexKey(of: $0.key, target: $0.id.target).key }
    let first = if let after, start.lexicographicallyPrecedes(after) { after } else { start }
    return read(or: []) { (transaction) throws(LMDBError) in
      var page: [Record] = []
      try transaction.walk(tables.keys, from: first) { (key, value) throws(LMDBError) in
        guard key.starts(with: start) else { return false }
        if let after, key.elementsEqual(after) { return true }
        guard let target = IndexKey.target(in: key), let index = IndexValue(value),
          index.expiry > now.seconds
        else { return true }
        let id = RecordID(index.kind, target)
        let slot = try tables.lookUp(id, in: .records, of: transaction)
        // An entry of the index without a record is damage as well: of the index, or of the tree.
        if slot.stored == nil { damage.note(id) }
        // The index tells of a prefix only as far as it goes.
        if let record = slot.stored?.live(at: now), record.isValue, record.key.starts(with: prefix) {
          page.append(record)
        }
        return page.count < limit
      }
      return page
    }
  }

  /// By the last commit. `bytes` are the pages in use, and `limit` is where new entries are refused:
  /// an eighth below `maxBytes` (1 MiB or half of it in a small store), for changes are made on copies of
  /// pages.
  package var usage: StoreUsage { writer.usage }

  package var progress: UpkeepProgress { writer.progress }

  package var damagedRecords: Int { damage.count }

  package var isDurable: Bool { true }

  /// Why neither reads nor changes work any more: reads find nothing then, and changes fail. The process
  /// should end; the next start searches the file.
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
      // Whatever it is: to go on would be to say of records that they are not there.
      if damage.noteFailure(error) { writer.callNotify() }
      return nothing
    }
  }

  // MARK: - Changing

  package func submit(_ changes: [(change: StoreChange, id: CommitID)]) { writer.submit(changes) }

  package func takeResults() -> [StoreResult] { writer.takeResults() }

  /// The function is called, on the thread that writes, after each commit, and when the store has
  /// failed: see `failure`.
  package func notify(_ resultsCame: @escaping @Sendable () -> Void) { writer.notify(resultsCame) }

  /// The most bytes of the file. A larger limit counts from the next change on.
  package var maxBytes: Int {
    get { writer.limit.maxBytes }
    set { writer.limit = StoreLimit(maxBytes: newValue) }
  }

  package func close() {
    guard !isClosed else { return }
    isClosed = true
    writer.close()
    reader.abort()
    environment.close()
  }
}
