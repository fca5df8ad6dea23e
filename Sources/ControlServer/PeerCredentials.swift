import Glibc

/// The process and user at the other end of a Unix-domain socket, as the kernel recorded them at connect
/// (SO_PEERCRED in unix(7)).
struct PeerCredentials: Hashable, Sendable {
  /// The process that connected. It may have ended, and another process may hold the socket.
  let process: Int32
  /// Its effective user.
  let user: UInt32

  /// - Parameter descriptor: of a connected Unix-domain socket; nil for any other.
  init?(of descriptor: Int32) {
    // A `ucred`, which the C library hides: process, user and group.
    var peer: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: peer))
    // The call writes at most `length` bytes, and any bits are valid integers.
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0, peer.process != 0
    else {
      return nil
    }
    (process, user) = (peer.process, peer.user)
  }

  init(process: Int32, user: UInt32) {
    self.process = process
    self.user = user
  }
}
