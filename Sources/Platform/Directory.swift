package import Glibc
package import SystemPackage

/// Makes directories.
package enum Directory {
  /// Makes a directory and the missing ones above it, like `mkdir -p`.
  ///
  /// Existing files are left as they are. They are not checked to be directories.
  ///
  /// - Parameter mode: the permissions of each new directory, before the umask is applied.
  /// - Throws: `DirectoryError`.
  package static func make(_ path: String, mode: mode_t) throws(DirectoryError) {
    // The pointers to a path and a status are used only during the calls.
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
      guard unsafe mkdir(partial, mode) != 0 else { continue }
      let cause = Errno.current
      guard cause != .fileExists else { continue }
      // A parent that exists but may not be written to gives EACCES or EROFS. This need not be an error.
      var status = stat()
      if unsafe stat(partial, &status) != 0 { throw DirectoryError(path: partial, errno: cause) }
    }
  }
}

/// The system could not make a directory.
package struct DirectoryError: Error, Hashable, Sendable {
  /// The path that was asked for, or that of a directory above it.
  package let path: String
  /// The cause.
  package let errno: Errno
}
