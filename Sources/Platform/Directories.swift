package import Glibc
package import SystemPackage

/// The system would not make a directory.
package struct DirectoryError: Error, Hashable, Sendable {
  /// Which one: the path that was asked for, or a directory above it.
  package let path: String
  /// The cause.
  package let errno: Errno
}

/// Makes a directory, and those above it, where they are not there: `mkdir -p`.
///
/// What is there already is left as it is. It is not checked that it is a directory.
///
/// - Parameter mode: the permissions of each directory that is made, less those of the umask.
/// - Throws: `DirectoryError`.
package func makeDirectories(_ path: String, mode: mode_t) throws(DirectoryError) {
  var partial = path.hasPrefix("/") ? "/" : ""
  for component in path.split(separator: "/") {
    partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
    guard mkdir(partial, mode) != 0 else { continue }
    let cause = Errno.current
    guard cause != .fileExists else { continue }
    // A parent that is there but may not be written to says EACCES or EROFS, and may yet do.
    var status = stat()
    if stat(partial, &status) != 0 { throw DirectoryError(path: partial, errno: cause) }
  }
}
