/// What is known of a source.
protocol SourceEntry: Sendable {
  /// Of one that nothing is known of.
  init()
  /// How much would be lost if this were forgotten; the least goes first.
  func worth(_ now: Int64) -> Int64
}

/// What is known of sources, in a table of fixed size.
///
/// Anybody may send under any number of false addresses, so that a table is full whenever somebody wants it
/// to be, and what counts is who leaves then. Each source may stand in one of four places, which a hash with
/// a secret salt tells: nobody can choose addresses that push a certain one out. Of the four, the one of
/// least worth makes room, if it is worth less than the newcomer. A token bucket is worth what is missing in
/// it: one that is nearly full is forgotten at no loss, while a source that sends much stays known, however
/// many others are made up.
///
/// All of it is two arrays, which are made when they are first needed: a node on loopback has none.
struct SourceTable<Entry: SourceEntry>: Sendable {
  private static var ways: Int { 4 }

  /// How many sources it has room for: a power of two.
  let capacity: Int
  /// Random bits, of this process alone.
  private let salt: UInt64
  private var keys: [SourceKey] = []
  private var entries: [Entry] = []

  /// - Parameter capacity: is rounded up to a power of two, and to 4 at least.
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

  /// Where a source stands; nil if it is not known.
  func place(of key: SourceKey) -> Int? {
    guard !keys.isEmpty else { return nil }
    let first = firstPlace(of: key)
    for place in first..<first + Self.ways where keys[place] == key { return place }
    return nil
  }

  /// Where a source stands. One that is not known takes the place of another.
  ///
  /// - Parameter worth: only one that is worth less makes room.
  /// - Returns: nil where none does.
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

  /// What is known of the source at a place.
  subscript(place: Int) -> Entry {
    get { entries[place] }
    _modify { yield &entries[place] }
  }
}
