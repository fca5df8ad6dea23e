import Glibc
package import SystemPackage

extension Errno {
  /// The error number of this thread's last failed system call. Any further call may change it.
  package static var current: Errno { Errno(rawValue: errno) }
}
