import Kademlia
import NodeTime

/// Future events by time. Events at the same instant keep the order in which they were planned, so that a
/// run can be repeated.
///
/// A heap with four children to an entry: it is half as deep as a binary heap, and the children of an entry
/// are adjacent in memory. It moves only entries, which are numbers, and an event stays in its slot.
struct EventQueue<Event> {
  private struct Entry {
    let time: Int64
    let order: UInt64
    let slot: Int

    func precedes(_ other: Entry) -> Bool {
      time != other.time ? time < other.time : order < other.order
    }
  }

  private var heap: [Entry] = []
  private var events: [Event?] = []
  private var freeSlots: [Int] = []
  private var planned: UInt64 = 0

  /// The number of events in the queue.
  var count: Int { heap.count }

  /// The time of the next event; nil if there is none.
  var nextTime: Instant? { heap.first.map { Instant(nanoseconds: $0.time) } }

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
    let entry = Entry(time: time.nanoseconds, order: planned, slot: slot)
    heap.append(entry)
    rise(entry, from: heap.count - 1)
  }

  /// Takes the next event that is due by `limit`; nil if there is none.
  mutating func popNext(by limit: Instant) -> (time: Instant, event: Event)? {
    guard let entry = heap.first, entry.time <= limit.nanoseconds, let event = events[entry.slot]
    else { return nil }
    events[entry.slot] = nil
    freeSlots.append(entry.slot)
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last) }
    return (Instant(nanoseconds: entry.time), event)
  }

  private mutating func rise(_ entry: Entry, from place: Int) {
    // `place` begins within the heap and only moves to a parent, which is never below 0.
    unsafe heap.withUnsafeMutableBufferPointer { heap in
      var place = place
      while place > 0 {
        let parent = (place - 1) / 4
        guard unsafe entry.precedes(heap[parent]) else { break }
        unsafe heap[place] = heap[parent]
        place = parent
      }
      unsafe heap[place] = entry
    }
  }

  /// Puts an entry at the root, and moves it down to its place.
  private mutating func sink(_ entry: Entry) {
    // The heap is not empty, and each child is checked against its count.
    unsafe heap.withUnsafeMutableBufferPointer { heap in
      var place = 0
      while true {
        let first = 4 * place + 1
        guard first < heap.count else { break }
        var least = first
        for child in (first + 1)..<max(first + 1, min(first + 4, heap.count))
        where unsafe heap[child].precedes(heap[least]) {
          least = child
        }
        guard unsafe heap[least].precedes(entry) else { break }
        unsafe heap[place] = heap[least]
        place = least
      }
      unsafe heap[place] = entry
    }
  }
}
