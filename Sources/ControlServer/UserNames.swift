import Dispatch
import EventLoop
import Glibc

/// User names by user ID.
///
/// The system may ask another machine for a name, which blocks, so a separate thread does the lookups. A
/// name is looked up once, because it seldom changes while a node runs.
final class UserNames {
  /// The most names kept. When the cache is full it is emptied.
  private static let capacity = 1024
  /// The most callers waiting for a name. Further callers get nil.
  private static let maxWaiting = 1024

  private let loop: EventLoop
  private let queue = DispatchQueue(label: "dhtd.users")
  private var names: [UInt32: String?] = [:]
  private var waiting: [UInt32: [(String?) -> Void]] = [:]
  private var waitingCount = 0

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Gives the name of a user, at once or later on the loop. The name is nil if the user has none, or if too
  /// many lookups are waiting.
  func name(of user: UInt32, then use: @escaping (String?) -> Void) {
    if let name = names[user] { return use(name) }
    guard waitingCount < Self.maxWaiting else { return use(nil) }
    waitingCount += 1
    let isAsked = waiting[user] != nil
    waiting[user, default: []].append(use)
    guard !isAsked else { return }
    let bound = LoopBound(self, on: loop)
    queue.async { [loop] in
      let name = Self.lookUp(user)
      loop.execute { bound.value.handleName(name, of: user) }
    }
  }

  private func handleName(_ name: String?, of user: UInt32) {
    if names.count >= Self.capacity { names = [:] }
    names[user] = .some(name)
    let uses = waiting.removeValue(forKey: user) ?? []
    waitingCount -= uses.count
    for use in uses { use(name) }
  }

  private static func lookUp(_ user: UInt32) -> String? {
    // The entry points into the buffer, and the name is copied before the buffer is freed.
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
      guard let room = buffer.baseAddress, unsafe getpwuid_r(user, &entry, room, buffer.count, &found) == 0,
        unsafe found != nil, let name = unsafe entry.pw_name
      else { return nil }
      return unsafe String(cString: name)
    }
  }
}
