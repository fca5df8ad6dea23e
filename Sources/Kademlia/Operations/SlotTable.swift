/// The operations of one kind, each in a slot of its own, where it is found and changed without being moved.
///
/// Callers change elements through `elements` itself. An array lends an element, whereas an accessor of this
/// type would be a coroutine, which allocates its frame each time.
struct SlotTable<Element> {
  private var ids: [OperationID?] = [nil]
  /// Each operation in its slot; nil in a free slot. The first slot is always nil: operations that have ended
  /// are found there.
  var elements: [Element?] = [nil]
  private var free: [Int] = []

  /// The number of operations.
  var count: Int { ids.count - 1 - free.count }

  /// The operations, in no particular order.
  var all: [Element] { elements.compactMap { $0 } }

  func contains(_ id: OperationID) -> Bool { ids.indices.contains(id.slot) && ids[id.slot] == id }

  /// The slot of an operation, which is always an index of `elements`; the first slot if the operation has
  /// ended.
  func index(of id: OperationID) -> Int { contains(id) ? id.slot : 0 }

  /// Adds an operation.
  ///
  /// - Parameter number: the number of its ID.
  /// - Returns: its ID; nil if the table is full.
  mutating func insert(_ element: Element, _ kind: OperationID.Kind, number: UInt64) -> OperationID? {
    let slot = free.popLast() ?? ids.count
    guard slot < OperationID.mostSlots else { return nil }
    let id = OperationID(kind, number: number, slot: slot)
    if slot == ids.count {
      ids.append(id)
      elements.append(element)
    } else {
      ids[slot] = id
      elements[slot] = element
    }
    return id
  }

  /// Takes an operation out; nil if none has that ID.
  mutating func remove(_ id: OperationID) -> Element? {
    guard contains(id) else { return nil }
    ids[id.slot] = nil
    free.append(id.slot)
    return elements[id.slot].take()
  }
}
