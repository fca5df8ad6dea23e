import CLMDB
import Glibc
import Kademlia
import NodeTime
import Platform
import SystemPackage

/// The outcome of the recovery of a damaged file, which the daemon logs.
package struct Salvage: Hashable, Sendable {
  /// The damage; completes "because".
  package let reason: String
  /// The new path of the damaged file, which dhtd never deletes; nil if the file is still in use because it
  /// could not be searched.
  package let damagedFile: String?
  /// The reason why a seemingly sound file could not be searched; nil if it was.
  package let notSearched: String?
  /// The recovered records, including tombstones.
  package let records: Int
  /// The recovered publications.
  package let publications: Int
  /// Entries of which only damaged copies were found, as far as that is known.
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

/// The progress of a recovery.
package struct SalvageProgress: Hashable, Sendable {
  /// The searched bytes of the damaged file.
  package let bytesDone: Int
  /// Bytes of the damaged file.
  package let bytes: Int
}

/// Recovers the records of a damaged file into a new one.
///
/// It does not follow LMDB's pages. Any sequence of bytes in the file that starts like an entry and has a
/// valid checksum is kept. Entries are contiguous, on a leaf page or a run of overflow pages. Old copies on
/// freed pages do no harm, because the newest version wins.
struct SalvageRun {
  let files: StoreFiles
  let reason: String
  /// The salt of the file, if the dirty flag has it.
  let salt: UInt32?
  let maxBytes: Int
  let now: WallTime
  let dirtyFlag: DirtyFlag

  /// The bytes of a window, which are searched at once and written in one transaction.
  private static let window = 4 << 20

  private struct Counts {
    var records = 0
    var publications = 0
    var damaged = 0
  }

  /// Writes the new file and puts it in place of the old one.
  ///
  /// - Throws: `RecordStoreError.unusable`; in which case the old file is unchanged.
  func run(_ progress: (SalvageProgress) -> Void) throws(RecordStoreError) -> Salvage {
    let source = try SalvageSource(path: files.records)
    defer { source.close() }
    var counts = Counts()
    if let salt { counts = try fill(from: source, salts: [salt], progress) }
    if counts.records == 0 {
      // There is no flag, or it belongs to another file because this one was copied here.
      let salts = metadataSalts(in: source, progress).filter { $0 != salt }
      if salt == nil || !salts.isEmpty { counts = try fill(from: source, salts: salts, progress) }
    }
    let kept = try files.replaceRecords(at: now)
    files.removeLeftovers()
    return Salvage(
      reason: reason, damagedFile: kept, records: counts.records, publications: counts.publications,
      damagedEntries: counts.damaged)
  }

  /// Writes a new file with the entries found.
  private func fill(
    from source: SalvageSource, salts: [UInt32], _ progress: (SalvageProgress) -> Void
  ) throws(RecordStoreError) -> Counts {
    files.removeLeftovers()
    do throws(LMDBError) {
      // There is room for all entries, including those over the limit.
      let size = max(maxBytes, min(source.size, 1 << 44) * 2 + (64 << 20))
      let environment = try Environment(path: files.salvage, mapSize: size)
      // Each transaction has ended by then.
      defer { unsafe environment.close() }
      var random = SystemRandomNumberGenerator()
      // Only this function and its batch use a transaction, and neither does after it has ended.
      var transaction = try environment.beginWriting()
      let tables: StoreTables
      var metadata: StoreMetadata
      do throws(LMDBError) {
        let opened = try StoreTables.open(in: transaction, saltOfNew: salts.first ?? random.next())
        guard case .current(let new) = opened.metadata else { throw LMDBError(MDB_CORRUPTED) }
        (tables, metadata) = (opened.tables, new)
        try transaction.put(tables.meta, StoreTables.metadataKey, metadata.encoded())
      } catch {
        unsafe transaction.abort()
        throw error
      }
      try unsafe transaction.commit()

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
            pageSize: environment.pageSize, damage: DamageLog(dirtyFlag: dirtyFlag), metadata: metadata)
          for (stored, table) in scan.found where stored.hidesUntil > now.seconds {
            switch table {
            case .records: _ = try batch.keep(stored.record, hidesUntil: stored.hidesUntil)
            case .publications: _ = try batch.carryOut(.publish(stored.record))
            }
          }
          try batch.finish()
          metadata = batch.metadata
        } catch {
          unsafe transaction.abort()
          throw error
        }
        try unsafe transaction.commit()
        offset = source.nextData(from: offset + scan.length)
        progress(SalvageProgress(bytesDone: offset, bytes: source.size))
        if isLast { break }
      }

      transaction = try environment.beginReading()
      defer { unsafe transaction.abort() }
      let usage = try tables.usage(in: transaction, metadata: metadata, pageSize: environment.pageSize)
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

  /// Searches a window of the file.
  ///
  /// - Returns: the entries, and the number of bytes that are done. An entry that continues after the
  ///   window is left for the next window.
  private static func scan(
    _ piece: [UInt8], _ codings: [RecordCoding], isLast: Bool, damaged: inout Set<RecordID>
  ) -> (found: [(StoredRecord, EntryTable)], length: Int) {
    piece.withRawSpan { bytes in
      var found: [(StoredRecord, EntryTable)] = []
      var position = 0
      while let start = bytes.firstIndex(ofMagic: RecordCoding.magic, from: position) {
        let rest = bytes.extracting(droppingFirst: start)
        // The entry may continue after the end of the window, and there is room to move the window forward.
        if !isLast, rest.byteCount < RecordCoding.maxLength { return (found, start) }
        position = start + 1
        search: for coding in codings {
          switch coding.find(in: rest) {
          case .entry(let stored, let table, let length):
            found.append((stored, table))
            // Bytes inside a sound entry are its content, even if they look like an entry.
            position = start + length
            break search
          case .damaged, .incomplete:
            if damaged.count < 100_000, let id = id(before: start, in: bytes) { damaged.insert(id) }
          case .nothing: break
          }
        }
      }
      // The end of the window may cut the magic itself.
      return (found, isLast ? bytes.byteCount : max(position, bytes.byteCount - 64))
    }
  }

  /// The ID before an entry on a leaf page; nil if the length there does not match, which means an old copy
  /// in the free part of a page.
  private static func id(before start: Int, in bytes: RawSpan) -> RecordID? {
    let keyStart = start - RecordID.keyLength
    guard keyStart >= 2, bytes.littleEndian(at: keyStart - 2, UInt16.self) == RecordID.keyLength else {
      return nil
    }
    return RecordID(key: bytes.extracting(keyStart..<start))
  }

  /// The salts of all metadata entries in the file.
  private func metadataSalts(
    in source: SalvageSource, _ progress: (SalvageProgress) -> Void
  ) -> [UInt32] {
    var salts: [UInt32] = []
    var offset = 0
    var piece: [UInt8] = []
    while source.read(&piece, at: offset, count: Self.window), !piece.isEmpty {
      piece.withRawSpan { bytes in
        var position = 0
        while let start = bytes.firstIndex(ofMagic: StoreMetadata.magic, from: position) {
          position = start + 1
          let metadata = bytes.extracting(droppingFirst: start).extracting(first: StoreMetadata.length)
          if case .current(let metadata) = StoreMetadata.read(metadata), !salts.contains(metadata.salt),
            salts.count < 16
          {
            salts.append(metadata.salt)
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

/// Reads a file with bad sectors.
struct SalvageSource {
  let size: Int
  private let descriptor: Int32

  init(path: String) throws(RecordStoreError) {
    // The pointers to the path and the status are used only during the calls.
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    var status = stat()
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
      throw .unusable(path: path, reason: Errno.current.description)
    }
    size = Int(status.st_size)
  }

  func close() { Glibc.close(descriptor) }

  /// The offset of the next bytes that were ever written. With a damaged page number, LMDB may have written
  /// terabytes further, with a hole in between.
  func nextData(from offset: Int) -> Int {
    // SEEK_DATA, which Swift's Glibc module does not export.
    let data = lseek(descriptor, off_t(offset), 3)
    if data < 0 { return errno == ENXIO ? size : offset }
    return Int(data)
  }

  /// Reads a piece. Unreadable bytes become zeros.
  ///
  /// - Returns: false at the end of the file.
  func read(_ piece: inout [UInt8], at offset: Int, count: Int) -> Bool {
    let wanted = min(count, size - offset)
    guard wanted > 0 else { return false }
    piece = [UInt8](repeating: 0, count: wanted)
    var done = 0
    var step = wanted
    while done < wanted {
      let length = min(step, wanted - done)
      // The read is at most as long as the rest of the piece.
      let got = unsafe piece.withUnsafeMutableBytes { buffer in
        unsafe pread(descriptor, buffer.baseAddress?.advanced(by: done), length, off_t(offset + done))
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

extension RawSpan {
  /// The offset of the next occurrence of a little-endian number.
  fileprivate func firstIndex(ofMagic magic: UInt32, from start: Int) -> Int? {
    var position = start
    while let index = firstIndex(of: UInt8(magic & 0xFF), from: position) {
      if littleEndian(at: index, UInt32.self) == magic { return index }
      position = index + 1
    }
    return nil
  }

  /// The next offset of a byte that at least three others follow.
  private func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    guard start + 4 <= byteCount else { return nil }
    // memchr(3) searches from `start` up to the last three bytes, so that its result is within the span.
    return unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, Int32(byte), bytes.count - start - 3)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}
