import Glibc
import SystemPackage

/// A directory that is gone when the test is over.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/dhtd-test.XXXXXX".utf8CString)
  let path = template.withUnsafeMutableBufferPointer { buffer in
    buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
  }
  guard let path else { throw Errno(rawValue: errno) }
  defer { remove(path) }
  return try body(path)
}

/// Removes a directory and the plain files and directories in it.
private func remove(_ path: String) {
  if let directory = opendir(path) {
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != ".", name != ".." else { continue }
      let child = path + "/" + name
      if unlink(child) != 0 { remove(child) }
    }
    closedir(directory)
  }
  rmdir(path)
}

/// The permission bits of a file.
func mode(of path: String) -> mode_t? {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
}
