import CLMDB
import Glibc
import Kademlia
import NodeTime
import Platform
import SystemPackage

/// What became of a damaged file: the daemon should say it loudly.
package struct Salvage: Hashable, Sendable {
  /// What was wrong, as the end of "because".
  package let reason: String
  /// Where the file is that was found. It is never deleted by dhtd. nil: it is in use, for it could not be
  /// searched.
  package let damagedFile: String?
  /// Why a file that looks sound could not be searched; nil where it was.
  package let notSearched: String?
  /// Records that were kept, tombstones among them.
  package let records: Int
  /// Publications that were kept.
  package let publications: Int
  /// Entries of which only damaged copies were found, as far as that can be told.
  package let damagedEntries: Int

  init(reason: String, damagedFile: String, records: Int, publications: Int, damagedEntries: Int) {
    self.reason = reason
    self.damagedFile = damagedFile
    self.records = records
    self.publications = publications
    self.damagedEntries = damagedEntries
    notSearched = nil
  }

  init(notSearched: String, reason: String) {
    self.reason = reason
    self.notSearched = notSearched
    damagedFile = nil
    (records, publications, damagedEntries) = (0, 0, 0)
  }
}

/// How far a salvage has come.
package struct SalvageProgress: Hashable, Sendable {
  /// Bytes of the damaged file that were looked at.
  package let bytesDone: Int
  /// Bytes of the damaged file.
  package let bytes: Int
}

/// Finds the records in a file of which nothing is trusted, and makes a new one of them.
///
/// It does not follow LMDB's pages at all: wherever in the file an entry begins, and its checksum fits,
/// it is kept. Entries lie in one piece, on a leaf page or on a run of overflow pages. Old copies on pages
/// that were freed do no harm, for the newest version wins here as everywhere.
struct SalvageRun {
  let files: StoreFiles
  let reason: String
  /// The salt of the file, where the mark knows it.
  let salt: UInt32?
  let maxBytes: Int
  let now: WallTime
  let mark: DirtyFlag

  /// Bytes looked at in one piece, and in one transaction.
  private static let window = 4 << 20

  private struct Counts {
    var records = 0
    var publications = 0
    var damaged = 0
  }

  /// Makes the new file and puts it in the place of the old one.
  ///
  /// - Throws: `RecordStoreError.unusable`; the old file is as it was then.
  func run(_ progress: (SalvageProgress) -> Void) throws(RecordStoreError) -> Salvage {
    let source = try SalvageSource(path: files.records)
    defer { source.close() }
    var counts = Counts()
    if let salt { counts = try fill(from: source, salts: [salt], progress) }
    if counts.records == 0 {
      // No mark, or that of another file: this one was copied here without its own.
      let salts = ledgerSalts(in: source, progress).filter { $0 != salt }
      if salt == nil || !salts.isEmpty { counts = try fill(from: source, salts: salts, progress) }
    }
    let kept = try files.replaceRecords(at: now)
    files.removeLeftovers()
    return Salvage(
      reason: reason, damagedFile: kept, records: counts.records, publications: counts.publications,
      damagedEntries: counts.damaged)
  }

  /// Writes a new file of what is found.
  private func fill(
    from source: SalvageSource, salts: [UInt32], _ progress: (SalvageProgress) -> Void
  ) throws(RecordStoreError) -> Counts {
    files.removeLeftovers()
    do throws(LMDBError) {
      // Room for everything there is: what was over the limit before is not dropped now.
      let size = max(maxBytes, min(source.size, 1 << 44) * 2 + (64 << 20))
      let environment = try Environment(path: files.salvage, mapSize: size)
      defer { environment.close() }
      var random = SystemRandomNumberGenerator()
      var transaction = try environment.beginWriting()
      let tables: StoreTables
      var ledger: StoreMetadata
      do throws(LMDBError) {
        let opened = try StoreTables.open(in: transaction, saltOfNew: salts.first ?? random.next())
        guard case .current(let new) = opened.ledger else { throw LMDBError(MDB_CORRUPTED) }
        (tables, ledger) = (opened.tables, new)
        try transaction.put(tables.meta, StoreTables.ledgerKey, ledger.encoded())
      } catch {
        transaction.abort()
        throw error
      }
      try transaction.commit()

      let codings = salts.map(RecordCoding.init)
      var damaged: Set<RecordID> = []
      var offset = 0
      var piece: [UInt8] = []
      while source.read(&piece, at: offset, count: Self.window), !piece.isEmpty {
        let isLast = offset + piece.count >= source.size
        let scan = Self.scan(piece, codings, isLast: isLast, damaged: &damaged)
        transaction = try environment.beginWriting()
        do throws(LMDBError) {
          var batch = Batch(
            transaction: transaction, tables: tables, limit: StoreLimit(maxBytes: .max / 4),
            pageSize: environment.pageSize, damage: DamageLog(mark: mark), ledger: ledger)
          for (stored, table) in scan.found where stored.hidesUntil > now.seconds {
            switch table {
            case .records: _ = try batch.keep(stored.record, hidesUntil: stored.hidesUntil)
            case .publications: _ = try batch.carryOut(.publish(stored.record))
            }
          }
          try batch.finish()
          ledger = batch.ledger
        } catch {
          transaction.abort()
          throw error
        }
        try transaction.commit()
        offset = source.nextData(from: offset + scan.length)
        progress(SalvageProgress(bytesDone: offset, bytes: source.size))
        if isLast { break }
      }

      transaction = try environment.beginReading()
      defer { transaction.abort() }
      let usage = try tables.usage(in: transaction, ledger: ledger, pageSize: environment.pageSize)
      var counts = Counts(records: usage.records, publications: usage.publications)
      for id in damaged {
        let held = try tables.lookUp(id, in: .records, of: transaction).length
        let published = try tables.lookUp(id, in: .publications, of: transaction).length
        if held == nil, published == nil { counts.damaged += 1 }
      }
      return counts
    } catch {
      files.removeLeftovers()
      throw .unusable(
        path: files.records, reason: "it is damaged (\(reason)) and cannot be rewritten: \(error.reason)")
    }
  }

  /// The entries in one piece of the file.
  ///
  /// - Returns: what was found, and how many bytes are done with: an entry that goes on after the piece
  ///   is left for the next one.
  private static func scan(
    _ piece: [UInt8], _ codings: [RecordCoding], isLast: Bool, damaged: inout Set<RecordID>
  ) -> (found: [(StoredRecord, EntryTable)], length: Int) {
    piece.withUnsafeBytes { bytes in
      var found: [(StoredRecord, EntryTable)] = []
      var position = 0
      while let start = bytes.firstIndex(ofMagic: RecordCoding.magic, from: position) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        // Too near to the end to tell, and not yet so near to the start that it could not be longer.
        if !isLast, rest.count < RecordCoding.maxLength { return (found, start) }
        position = start + 1
        search: for coding in codings {
          switch coding.find(in: rest) {
          case .entry(let stored, let table, let length):
            found.append((stored, table))
            // What is in a sound entry is its content, whatever it looks like.
            position = start + length
            break search
          case .damaged, .incomplete:
            if damaged.count < 100_000, let id = id(before: start, in: bytes) { damaged.insert(id) }
          case .nothing: break
          }
        }
      }
      // The magic itself may be cut by the end of the piece.
      return (found, isLast ? bytes.count : max(position, bytes.count - 64))
    }
  }

  /// The ID that stands before an entry on a leaf page. Where its own length does not, these are the
  /// remains of an old copy in the free part of a page.
  private static func id(before start: Int, in bytes: UnsafeRawBufferPointer) -> RecordID? {
    let keyStart = start - RecordID.keyLength
    guard keyStart >= 2, bytes.littleEndian(at: keyStart - 2, UInt16.self) == RecordID.keyLength else {
      return nil
    }
    return RecordID(key: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<start]))
  }

  /// The salts of all ledgers that are in the file.
  private func ledgerSalts(
    in source: SalvageSource, _ progress: (SalvageProgress) -> Void
  ) -> [UInt32] {
    var salts: [UInt32] = []
    var offset = 0
    var piece: [UInt8] = []
    while source.read(&piece, at: offset, count: Self.window), !piece.isEmpty {
      piece.withUnsafeBytes { bytes in
        var position = 0
        while let start = bytes.firstIndex(ofMagic: StoreMetadata.magic, from: position) {
          position = start + 1
          let ledger = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(StoreMetadata.length))
          if case .current(let ledger) = StoreMetadata.reading(ledger), !salts.contains(ledger.salt),
            salts.count < 16
          {
            salts.append(ledger.salt)
          }
        }
      }
      progress(SalvageProgress(bytesDone: 0, bytes: source.size))
      if offset + piece.count >= source.size { break }
      offset = source.nextData(from: offset + piece.count - StoreMetadata.length)
    }
    return salts
  }
}

/// A file that is read as it is, even where its disk has bad spots.
struct SalvageSource {
  let size: Int
  private let descriptor: Int32

  init(path: String) throws(RecordStoreError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw .unusable(path: path, reason: Errno.current.description)
    }
    size = Int(status.st_size)
  }

  func close() { Glibc.close(descriptor) }

  /// Where the next bytes are that were ever written. A damaged page number can have made LMDB write
  /// terabytes away, with nothing in between.
  func nextData(from offset: Int) -> Int {
    // SEEK_DATA, which Swift's Glibc module does not show.
    let data = lseek(descriptor, off_t(offset), 3)
    if data < 0 { return errno == ENXIO ? size : offset }
    return Int(data)
  }

  /// Reads a piece; what cannot be read is zeros.
  ///
  /// - Returns: false where the file ends.
  func read(_ piece: inout [UInt8], at offset: Int, count: Int) -> Bool {
    let wanted = min(count, size - offset)
    guard wanted > 0 else { return false }
    piece = [UInt8](repeating: 0, count: wanted)
    var done = 0
    var step = wanted
    while done < wanted {
      let length = min(step, wanted - done)
      let got = piece.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress?.advanced(by: done), length, off_t(offset + done))
      }
      if got > 0 {
        done += got
      } else if got < 0, errno == EINTR {
        continue
      } else if got == 0 || length <= 4096 {
        done += min(4096 - (offset + done) % 4096, wanted - done)
      } else {
        step = 4096
      }
    }
    return true
  }
}

extension UnsafeRawBufferPointer {
  /// Where the four bytes of a little-endian number are next.
  fileprivate func firstIndex(ofMagic magic: UInt32, from start: Int) -> Int? {
    guard let base = baseAddress else { return nil }
    let first = Int32(magic & 0xFF)
    var position = start
    while position + 4 <= count {
      guard let found = memchr(base + position, first, count - position - 3) else { return nil }
      let index = UnsafeRawPointer(found) - base
      if littleEndian(at: index, UInt32.self) == magic { return index }
      position = index + 1
    }
    return nil
  }
}
