import CDirtyFlag
import Glibc
import Platform
import SystemPackage

/// A small file beside the store that is set if the store may be damaged. The next start then searches the
/// store. It stays open, so that a signal handler can write to it.
///
/// Its content is a byte for the flag, "dht", the salt of the store's checksums (4 bytes, little-endian),
/// and a CRC-32 over these seven bytes.
final class DirtyFlag: Sendable {
  private static let length = 12

  private let descriptor: Int32
  /// True if the flag was set when it was opened.
  let wasSet: Bool
  /// The salt of the store's checksums when the file was written last; nil if the file is new or damaged.
  let salt: UInt32?

  /// Opens the file, and creates it if it is missing.
  ///
  /// - Throws: `RecordStoreError.unusable`.
  init(path: String) throws(RecordStoreError) {
    // The read is at most as long as the array, and the system calls keep no pointer.
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: Errno.current.description) }
    var bytes = [UInt8](repeating: 0, count: Self.length)
    let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else {
      let reason = Errno.current.description
      close(descriptor)
      throw .unusable(path: path, reason: reason)
    }
    self.descriptor = descriptor
    wasSet = count > 0 && bytes[0] == UInt8(CDIRTYFLAG_SET)
    salt = count == bytes.count ? Self.salt(in: bytes) : nil
    let problem = cdirtyflag_watch(descriptor)
    guard problem == 0 else {
      throw .unusable(path: path, reason: "cannot watch for faults: \(Errno(rawValue: problem))")
    }
  }

  deinit {
    cdirtyflag_forget(descriptor)
    close(descriptor)
  }

  /// Sets the flag. A failure is ignored, because the disk is at fault then.
  func set() { _ = cdirtyflag_set(descriptor) }

  /// Clears the flag, and stores a salt.
  ///
  /// - Returns: an error number, or 0.
  func clear(salt: UInt32) -> Int32 {
    var bytes = [UInt8(CDIRTYFLAG_CLEAR)] + Array("dht".utf8)
    bytes.append(littleEndian: salt)
    bytes.append(littleEndian: Self.checksum(of: bytes))
    // The pointer to the bytes is used only during the call.
    let written = unsafe pwrite(descriptor, bytes, bytes.count, 0)
    guard written == bytes.count else { return written < 0 ? errno : EIO }
    return fdatasync(descriptor) == 0 ? 0 : errno
  }

  private static func salt(in bytes: [UInt8]) -> UInt32? {
    bytes.withRawSpan { raw in
      guard raw.littleEndian(at: 8, UInt32.self) == checksum(of: Array(bytes.prefix(8))) else { return nil }
      return raw.littleEndian(at: 4, UInt32.self)
    }
  }

  /// The checksum of all bytes but the first, which the signal handler changes alone.
  private static func checksum(of bytes: [UInt8]) -> UInt32 {
    bytes.withRawSpan { RecordCoding.crc32(of: $0.extracting(droppingFirst: 1)) }
  }
}
