import Glibc

/// The system would not give what a loop needs, or watch a descriptor.
package struct EventLoopError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The error number of the system.
  package let code: Int32

  init(_ code: Int32) {
    self.code = code
  }

  /// What the system says of it.
  package var description: String { String(cString: strerror(code)) }
}
