import Glibc

/// Reads and writes text files.
enum TextFile {
  /// More than any scenario or delay matrix needs.
  private static let limit = 64 << 20

  /// The text of a file; nil if it cannot be read, is too long or is not UTF-8.
  static func read(_ path: String) -> String? {
    // The file is open until this returns, and each read is at most as long as the chunk.
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
      guard bytes.count <= limit else { return nil }
    }
    guard unsafe ferror(file) == 0 else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Replaces a file.
  ///
  /// - Returns: whether the file was written.
  static func write(_ text: String, to path: String) -> Bool {
    // The file is closed once, at the end.
    guard let file = unsafe fopen(path, "w") else { return false }
    let bytes = Array(text.utf8)
    let isWritten = unsafe fwrite(bytes, 1, bytes.count, file) == bytes.count
    return unsafe fclose(file) == 0 && isWritten
  }
}
