import CFaultMark
import Glibc
import Platform
import SystemPackage

/// A small file beside the store that says whether something was wrong with it: then the next start
/// looks at all of it. It is open all the time, so that a signal handler can write to it.
///
/// One byte that says it, "dht", the salt of the store's checksums (4 bytes, little-endian), and a
/// CRC-32 over these seven.
final class DirtyFlag: Sendable {
  private static let length = 12

  private let descriptor: Int32
  /// Whether it was set when it was opened.
  let wasSet: Bool
  /// The salt that the checksums of the store began with when this was written last; nil in a new mark,
  /// or a damaged one.
  let salt: UInt32?

  /// Opens the mark, and makes it if there is none.
  ///
  /// - Throws: `RecordStoreError.unusable`.
  init(path: String) throws(RecordStoreError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: Errno.current.description) }
    var bytes = [UInt8](repeating: 0, count: Self.length)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else {
      let reason = Errno.current.description
      close(descriptor)
      throw .unusable(path: path, reason: reason)
    }
    self.descriptor = descriptor
    wasSet = count > 0 && bytes[0] == UInt8(CFAULTMARK_SET)
    salt = count == bytes.count ? Self.salt(in: bytes) : nil
    let problem = cfaultmark_watch(descriptor)
    guard problem == 0 else {
      throw .unusable(path: path, reason: "faults cannot be watched for: \(Errno(rawValue: problem))")
    }
  }

  deinit {
    cfaultmark_forget(descriptor)
    close(descriptor)
  }

  /// Sets it. There is nobody to tell where that fails: the disk is at fault by then.
  func set() { _ = cfaultmark_set(descriptor) }

  /// Clears it, and notes a salt.
  ///
  /// - Returns: an error number, or 0.
  func clear(salt: UInt32) -> Int32 {
    var bytes = [UInt8(CFAULTMARK_CLEAR)] + Array("dht".utf8)
    bytes.append(littleEndian: salt)
    bytes.append(littleEndian: Self.checksum(of: bytes))
    let written = pwrite(descriptor, bytes, bytes.count, 0)
    guard written == bytes.count else { return written < 0 ? errno : EIO }
    return fdatasync(descriptor) == 0 ? 0 : errno
  }

  private static func salt(in bytes: [UInt8]) -> UInt32? {
    bytes.withUnsafeBytes { raw in
      guard raw.littleEndian(at: 8, UInt32.self) == checksum(of: Array(bytes.prefix(8))) else { return nil }
      return raw.littleEndian(at: 4, UInt32.self)
    }
  }

  /// Over all but the first byte, which the signal handler changes alone.
  private static func checksum(of bytes: [UInt8]) -> UInt32 {
    bytes.dropFirst().withUnsafeBytes { RecordCoding.crc32(of: $0) }
  }
}
