import CLMDB
import Glibc

/// Checks the two meta pages at the start of an LMDB file without trusting them. LMDB would map a truncated
/// file, and the process would die at the first missing page.
///
/// The layout belongs to LMDB, and LMDB is a shared library: another version of it may come with an upgrade of
/// the system. With any other than 0.9, the pages are not examined. If LMDB then rejects the format when it opens
/// the file, the file is searched and written again in the format of that LMDB. A file that is cut short ends the
/// process at the first missing page. That fault sets the dirty flag, so that the next start searches the file.
///
/// In LMDB 0.9 a page begins with 16 bytes of header, whose flags are at 10. A meta page goes on with
/// magic (at 16, 4 bytes), version (20, 4), address (24, 8), map size (32, 8), two database records of 48
/// bytes, of which the first begins with the page size (40, 4), last page (136, 8), and transaction
/// (144, 8), in the byte order of the machine.
enum MetaPages {
  /// The result of the check.
  enum Verdict: Hashable {
    case sound
    case damaged(String)
    /// A newer version of LMDB's format, without signs of damage.
    case newer(version: Int)
  }

  /// Whether this process runs with the version of LMDB whose layout is known here.
  static let isLayoutKnown: Bool = {
    var (major, minor): (Int32, Int32) = (0, 0)
    // LMDB writes two numbers and keeps no pointer.
    _ = unsafe mdb_version(&major, &minor, nil)
    return (major, minor) == (0, 9)
  }()

  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1
  private static let metaFlag: UInt16 = 0x08
  private static let length = 152

  private struct Meta {
    let version: UInt32
    let pageSize: Int
    let lastPage: UInt64
    let transaction: UInt64

    init?(_ bytes: [UInt8]) {
      guard bytes.count == MetaPages.length else { return nil }
      let found = bytes.withRawSpan { raw -> Meta? in
        guard raw.number(at: 16, UInt32.self) == MetaPages.magic,
          raw.number(at: 10, UInt16.self) & MetaPages.metaFlag != 0
        else { return nil }
        return Meta(
          version: raw.number(at: 20, UInt32.self),
          pageSize: Int(raw.number(at: 40, UInt32.self)),
          lastPage: raw.number(at: 136, UInt64.self),
          transaction: raw.number(at: 144, UInt64.self))
      }
      guard let found else { return nil }
      self = found
    }

    private init(version: UInt32, pageSize: Int, lastPage: UInt64, transaction: UInt64) {
      self.version = version
      self.pageSize = pageSize
      self.lastPage = lastPage
      self.transaction = transaction
    }
  }

  /// Checks the meta pages of an open file.
  ///
  /// - Parameter isLayoutKnown: if false, every file counts as sound.
  static func examine(
    _ descriptor: Int32, size: Int, isLayoutKnown: Bool = MetaPages.isLayoutKnown
  ) -> Verdict {
    guard isLayoutKnown else { return .sound }
    guard size > 0 else { return .damaged("it is empty") }
    guard let first = Meta(read(descriptor, at: 0)) else { return .damaged("its first page is damaged") }
    let pageSize = first.pageSize
    guard pageSize >= 512, pageSize <= 65536, pageSize & (pageSize - 1) == 0 else {
      return .damaged("its first page is damaged")
    }
    guard let second = Meta(read(descriptor, at: pageSize)), second.pageSize == pageSize else {
      return .damaged("its second page is damaged")
    }
    guard first.version == version, second.version == version else {
      return first.version == second.version && first.version > version
        ? .newer(version: Int(first.version)) : .damaged("its first pages are inconsistent")
    }
    let newest = first.transaction < second.transaction ? second : first
    // LMDB writes them alternately.
    guard max(first.transaction, second.transaction) - min(first.transaction, second.transaction) <= 1,
      newest.transaction & 1 == (newest.transaction == first.transaction ? 0 : 1) || newest.transaction == 0
    else { return .damaged("its first pages are inconsistent") }
    let (needed, overflow) = newest.lastPage.addingReportingOverflow(1)
    guard !overflow, needed <= UInt64(Int.max / pageSize), Int(needed) * pageSize <= size else {
      return .damaged("its end is missing")
    }
    return .sound
  }

  private static func read(_ descriptor: Int32, at offset: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    // The read is at most as long as the array.
    return unsafe pread(descriptor, &bytes, length, off_t(offset)) == length ? bytes : []
  }
}
