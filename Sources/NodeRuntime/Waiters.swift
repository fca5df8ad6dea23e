/// Callbacks that wait for an event that happens once.
struct Waiters<Value> {
  private var callBacks: [(Value) -> Void] = []

  /// Adds a callback.
  mutating func add(_ callBack: @escaping (Value) -> Void) { callBacks.append(callBack) }

  /// Takes all callbacks, so that each is called once.
  mutating func takeAll() -> [(Value) -> Void] {
    defer { callBacks = [] }
    return callBacks
  }
}
