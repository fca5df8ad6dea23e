/// The keys of one dictionary as they are read: finds duplicate keys.
///
/// Keys in strictly ascending order, as canonical ones are, cannot repeat and cost one comparison
/// each. From the first one that is out of order, every key is compared with all those before it.
struct KeyOrder {
  /// True if every key so far was greater than the one before it.
  private(set) var isAscending = true
  /// The rule that the last key breaks: it is a duplicate, or there are too many to compare it with. Nil if it
  /// breaks none.
  private(set) var flaw: MalformedMessage.Reason?

  private var count = 0
  private var previous: DictionaryKey?
  /// Where the lengths of the first keys begin: `KRPC.maxUnsortedKeys` of them.
  private var encodings = InlineArray<32, UInt32>(repeating: 0)

  /// Takes the next key.
  ///
  /// - Parameter encoding: the offset of its length.
  @inline(__always)
  mutating func admit(_ key: DictionaryKey, encodedAt encoding: Int, in bytes: RawSpan) {
    if let previous, !previous.precedes(key, in: bytes) { isAscending = false }
    if !isAscending { flaw = search(for: key, encodedAt: encoding, in: bytes) }
    if count < encodings.count { encodings[count] = UInt32(truncatingIfNeeded: encoding) }
    previous = key
    count += 1
  }

  /// Looks for a key that is out of order, or behind one that is, among those before it.
  @inline(never)
  private mutating func search(
    for key: DictionaryKey, encodedAt encoding: Int, in bytes: RawSpan
  ) -> MalformedMessage.Reason? {
    if count >= encodings.count { return .tooManyUnsortedKeys }
    return repeats(encoding, to: key.end, in: bytes) ? .duplicateKey : nil
  }

  /// Returns whether the key in this range is one of those before it. Length and bytes are compared in one:
  /// no encoding of a key begins with that of another. Changes nothing; `mutating` only because the
  /// offsets would otherwise be copied for every call.
  private mutating func repeats(_ start: Int, to end: Int, in bytes: RawSpan) -> Bool {
    for index in 0..<min(count, encodings.count) {
      let other = Int(truncatingIfNeeded: encodings[index])
      var offset = 0
      while start + offset < end, bytes.byte(at: start + offset) == bytes.byte(at: other + offset) {
        offset += 1
      }
      if start + offset == end { return true }
    }
    return false
  }
}
