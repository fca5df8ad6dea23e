import CEventLoop

/// What a descriptor is watched for, and what has happened to it.
package struct Readiness: OptionSet, Sendable {
  /// As the C side has it.
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// There is something to read, or the other side has said all that it will say.
  package static let readable = Readiness(rawValue: CEVENTLOOP_READABLE)
  /// There is room to write.
  package static let writable = Readiness(rawValue: CEVENTLOOP_WRITABLE)
  /// It has failed, or nobody is at the other side any more. It is told without being asked for.
  package static let broken = Readiness(rawValue: CEVENTLOOP_BROKEN)
}

/// Is told when a descriptor is ready. It is told again, each iteration, while it does nothing about it.
package protocol DescriptorWatcher: AnyObject {
  /// The descriptor is ready.
  func isReady(_ readiness: Readiness)
}

/// Names one watch of a descriptor; a later one of the same descriptor has another name.
package struct WatchID: Hashable, Sendable {
  let slot: Int
  let generation: UInt32

  init(slot: Int, generation: UInt32) {
    self.slot = slot
    self.generation = generation
  }

  init(token: UInt64) {
    slot = Int(UInt32(truncatingIfNeeded: token))
    generation = UInt32(truncatingIfNeeded: token >> 32)
  }

  var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(truncatingIfNeeded: slot)) }
}
