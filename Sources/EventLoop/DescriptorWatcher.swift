import CEventLoop

/// The events that a descriptor is watched for, or that have happened to it.
package struct Readiness: OptionSet, Sendable {
  /// The bits that the C code uses.
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Input is available, or the other side has closed its sending direction.
  package static let readable = Readiness(rawValue: CEVENTLOOP_READABLE)
  /// There is room for output.
  package static let writable = Readiness(rawValue: CEVENTLOOP_WRITABLE)
  /// The descriptor has failed, or the other side is gone. This event is always watched for.
  package static let broken = Readiness(rawValue: CEVENTLOOP_BROKEN)
}

/// Called when a descriptor is ready, and again in each iteration while the event is not handled.
package protocol DescriptorWatcher: AnyObject {
  /// Handles the events of a descriptor.
  func handleReadiness(_ readiness: Readiness)
}

/// Identifies a watch of a descriptor. Each watch has its own ID, even of the same descriptor.
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

  var token: UInt64 { (UInt64(generation) << 32) | UInt64(UInt32(truncatingIfNeeded: slot)) }
}
