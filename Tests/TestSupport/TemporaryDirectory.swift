package import Glibc
import SystemPackage

/// Calls a function with a new directory, which is removed afterwards.
package func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = try makeTemporaryDirectory()
  defer { removeDirectory(path) }
  return try body(path)
}

/// Makes a directory, which the test removes.
package func makeTemporaryDirectory() throws -> String {
  var template = Array("/tmp/dhtd-test.XXXXXX".utf8CString)
  let path = template.withUnsafeMutableBufferPointer { buffer in
    buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
  }
  guard let path else { throw Errno(rawValue: errno) }
  return path
}

/// Removes a directory, and the plain files and directories in it.
package func removeDirectory(_ path: String) {
  if let directory = opendir(path) {
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != ".", name != ".." else { continue }
      let child = path + "/" + name
      if unlink(child) != 0 { removeDirectory(child) }
    }
    closedir(directory)
  }
  rmdir(path)
}

/// The permission bits of a file; nil if there is none.
package func mode(of path: String) -> mode_t? {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
}
