/// The state that a table keeps of a source.
protocol SourceEntry: Sendable {
  /// The state of an unknown source.
  init()
  /// Returns how much would be lost if this entry were forgotten; the entry of least worth is evicted first.
  func worth(_ now: Int64) -> Int64
}

/// The state of sources, in a table of fixed size.
///
/// Anybody can send from any number of spoofed addresses and so fill the table at will. Eviction is what
/// matters: each source has four possible places, which a hash with a secret salt determines, so that nobody
/// can choose addresses that evict a certain source. The entry of least worth among the four is evicted if it
/// is worth less than the newcomer. A token bucket is worth the tokens missing from it: a nearly full one is
/// forgotten at no loss, while a source that sends much stays known, however many addresses are spoofed.
///
/// The table is two arrays, which are allocated when they are first needed: a node on loopback has none.
struct SourceTable<Entry: SourceEntry>: Sendable {
  private static var ways: Int { 4 }

  /// The number of sources that the table has room for: a power of two.
  let capacity: Int
  /// Random bits, of this process alone.
  private let salt: UInt64
  private var keys: [SourceKey] = []
  private var entries: [Entry] = []

  /// - Parameter capacity: rounded up to a power of two, and to at least 4.
  init(capacity: Int, salt: UInt64) {
    var rounded = Self.ways
    while rounded < capacity { rounded *= 2 }
    self.capacity = rounded
    self.salt = salt
  }

  /// The bytes that a table takes for each source that it has room for.
  static var bytesPerSource: Int { MemoryLayout<SourceKey>.stride + MemoryLayout<Entry>.stride }

  private func firstPlace(of key: SourceKey) -> Int {
    Int(truncatingIfNeeded: key.hash(salt: salt) & UInt64(capacity / Self.ways - 1)) * Self.ways
  }

  /// Returns the place of a source; nil if it is unknown.
  func place(of key: SourceKey) -> Int? {
    guard !keys.isEmpty else { return nil }
    let first = firstPlace(of: key)
    for place in first..<first + Self.ways where keys[place] == key { return place }
    return nil
  }

  /// Returns the place of a source. An unknown source takes an empty place or that of another source.
  ///
  /// - Parameter worth: the worth of the newcomer; only an entry that is worth less makes room.
  /// - Returns: nil if no entry makes room.
  mutating func place(_ now: Int64, of key: SourceKey, worth: Int64) -> Int? {
    if keys.isEmpty {
      keys = Array(repeating: .none, count: capacity)
      entries = Array(repeating: Entry(), count: capacity)
    }
    let first = firstPlace(of: key)
    for place in first..<first + Self.ways where keys[place] == key { return place }
    var least = first
    var leastWorth = Int64.max
    for place in first..<first + Self.ways {
      let worth = keys[place] == .none ? Int64.min : entries[place].worth(now)
      if worth < leastWorth { (least, leastWorth) = (place, worth) }
    }
    guard leastWorth < worth else { return nil }
    keys[least] = key
    entries[least] = Entry()
    return least
  }

  /// The state of the source at a place.
  subscript(place: Int) -> Entry {
    get { entries[place] }
    _modify { yield &entries[place] }
  }
}
