import Foundation

/// Bounds the life of the processes of a test: it leads their process group, and ends the group when
/// the time is up, or when the tests themselves have ended, however they ended.
final class Guardian {
  /// The process group that it guards.
  let group: pid_t
  /// Closed by the kernel, too, when the tests end.
  private let leash: Int32

  /// - Parameter seconds: the longest life of the group.
  init(seconds: Int) throws {
    let script = "timeout --foreground \(seconds) cat; kill -KILL 0"
    let (id, pipes) = try Spawn.start(
      ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], group: .own, readsOutput: false)
    group = id
    leash = pipes[0]
  }

  /// Ends what is left of the group, and the guardian with it.
  func end() {
    close(leash)
    var status: Int32 = 0
    while waitpid(group, &status, 0) < 0, errno == EINTR {}
  }
}
