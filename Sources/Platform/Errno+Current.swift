import Glibc
package import SystemPackage

extension Errno {
  /// The error number of this thread's last call of the system that failed. Another call may change it.
  package static var current: Errno { Errno(rawValue: errno) }
}
