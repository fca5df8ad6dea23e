import HeapModule
import Kademlia

/// What is to happen, in the order of its time; what is due at one instant keeps the order in which
/// it was planned, so that a run can be repeated.
struct EventQueue<Event> {
  /// The heap moves only these around: an event itself may be large.
  private struct Entry: Comparable {
    let time: Instant
    let order: UInt64
    let slot: Int

    static func < (left: Entry, right: Entry) -> Bool {
      left.time != right.time ? left.time < right.time : left.order < right.order
    }
  }

  private var heap: Heap<Entry> = []
  private var events: [Event?] = []
  private var freeSlots: [Int] = []
  private var planned: UInt64 = 0

  /// How many events wait.
  var count: Int { heap.count }

  /// When the next event is due; nil if none is.
  var nextTime: Instant? { heap.min?.time }

  mutating func plan(_ event: Event, at time: Instant) {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      events[slot] = event
    } else {
      slot = events.count
      events.append(event)
    }
    planned += 1
    heap.insert(Entry(time: time, order: planned, slot: slot))
  }

  /// Takes the next event that is due by `limit`; nil if there is none.
  mutating func popNext(by limit: Instant) -> (time: Instant, event: Event)? {
    guard let entry = heap.min, entry.time <= limit else { return nil }
    heap.removeMin()
    defer {
      events[entry.slot] = nil
      freeSlots.append(entry.slot)
    }
    return events[entry.slot].map { (entry.time, $0) }
  }
}
