import Dispatch
import EventLoop
import Glibc

/// The names of users, by their numbers.
///
/// The system may have to ask another machine for one, and that blocks, so that it has a thread to itself.
/// A name is looked up once: that of a user seldom changes while a node runs.
final class UserNames {
  /// As many are kept; then they are looked up anew.
  private static let capacity = 1024
  /// As many wait for a name at most; one more does without.
  private static let mostWaiting = 1024

  private let loop: EventLoop
  private let queue = DispatchQueue(label: "dhtd.users")
  private var names: [UInt32: String?] = [:]
  private var waiting: [UInt32: [(String?) -> Void]] = [:]
  private var waitingCount = 0

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Gives the name of a user, at once or later on the loop; nil where there is none, or the system is slow to
  /// tell.
  func name(of user: UInt32, then use: @escaping (String?) -> Void) {
    if let name = names[user] { return use(name) }
    guard waitingCount < Self.mostWaiting else { return use(nil) }
    waitingCount += 1
    let isAsked = waiting[user] != nil
    waiting[user, default: []].append(use)
    guard !isAsked else { return }
    let bound = LoopBound(self, on: loop)
    queue.async { [loop] in
      let name = Self.lookUp(user)
      loop.execute { bound.value.found(name, of: user) }
    }
  }

  private func found(_ name: String?, of user: UInt32) {
    if names.count >= Self.capacity { names = [:] }
    names[user] = .some(name)
    let uses = waiting.removeValue(forKey: user) ?? []
    waitingCount -= uses.count
    for use in uses { use(name) }
  }

  private static func lookUp(_ user: UInt32) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
      guard let room = buffer.baseAddress, getpwuid_r(user, &entry, room, buffer.count, &found) == 0,
        found != nil, let name = entry.pw_name
      else { return nil }
      return String(cString: name)
    }
  }
}
