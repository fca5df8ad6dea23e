import Foundation
import Synchronization

/// Starts programs by `posix_spawn`.
enum Spawn {
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  /// The process group of a process.
  enum Group {
    case inherited
    case own
    case of(pid_t)
  }

  /// Serialises the starts of processes, so that none inherits the pipes of another.
  private static let turn = Mutex(())

  /// Starts a process.
  /// - Parameters:
  ///   - command: the path of the program, and its arguments.
  ///   - streams: whether the process gets pipes for its output, or only for its input.
  /// - Returns: its ID and our ends of the pipes, which do not block.
  static func start(
    _ command: [String], environment: [String: String], group: Group, readsOutput: Bool = true
  ) throws -> (id: pid_t, pipes: [Int32]) {
    try turn.withLock { _ in
      var ours: [Int32] = []
      var theirs: [Int32] = []
      defer { for end in theirs { close(end) } }
      for stream in 0..<(readsOutput ? 3 : 1) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failed(description: "no pipe: \(errorText)") }
        let mine = ends[stream == 0 ? 1 : 0]
        _ = fcntl(mine, F_SETFD, FD_CLOEXEC)
        _ = fcntl(mine, F_SETFL, O_NONBLOCK)
        ours.append(mine)
        theirs.append(ends[stream == 0 ? 0 : 1])
        // Their copies are made by dup2, which clears this.
        _ = fcntl(theirs[stream], F_SETFD, FD_CLOEXEC)
      }
      do {
        return (try spawn(command, environment, group, theirs), ours)
      } catch {
        for end in ours { close(end) }
        throw error
      }
    }
  }

  private static func spawn(
    _ command: [String], _ environment: [String: String], _ group: Group, _ streams: [Int32]
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, stream) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, stream, Int32(number))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    switch group {
    case .inherited: break
    case .own:
      flags |= POSIX_SPAWN_SETPGROUP
      posix_spawnattr_setpgroup(&attributes, 0)
    case .of(let id):
      flags |= POSIX_SPAWN_SETPGROUP
      posix_spawnattr_setpgroup(&attributes, id)
    }
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var id: pid_t = 0
    let code = posix_spawn(&id, command[0], &actions, &attributes, &arguments, &variables)
    guard code == 0 else {
      throw Failed(description: "cannot start \(command[0]): \(String(cString: strerror(code)))")
    }
    return id
  }

  private static var errorText: String { String(cString: strerror(errno)) }
}
