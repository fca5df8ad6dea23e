/// The operations of one kind, each at a place of its own, where it is found and changed without being moved.
struct SlotTable<Element> {
  private var ids: [OperationID?] = []
  private var elements: [Element?] = []
  private var free: [Int] = []

  /// The number of operations.
  var count: Int { ids.count - free.count }

  /// The operations, in no order that means anything.
  var all: [Element] { elements.compactMap { $0 } }

  /// The operation with an ID; nil if it has ended.
  subscript(id: OperationID) -> Element? {
    _read {
      guard contains(id) else {
        yield nil
        return
      }
      yield elements[id.slot]
    }
    _modify {
      guard contains(id) else {
        var none: Element?
        yield &none
        return
      }
      yield &elements[id.slot]
    }
  }

  func contains(_ id: OperationID) -> Bool { ids.indices.contains(id.slot) && ids[id.slot] == id }

  /// Keeps an operation.
  ///
  /// - Parameter number: the number of its ID.
  /// - Returns: its ID; nil if there is no room for so many.
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

  /// Takes an operation out; nil if there is none with that ID.
  mutating func remove(_ id: OperationID) -> Element? {
    guard contains(id) else { return nil }
    ids[id.slot] = nil
    free.append(id.slot)
    return elements[id.slot].take()
  }
}
