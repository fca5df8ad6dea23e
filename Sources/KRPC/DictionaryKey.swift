/// A key of a dictionary: where it lies in the datagram, and a number to compare it by.
struct DictionaryKey {
  /// The offset of its first byte.
  let start: Int
  /// The offset behind its last byte.
  let end: Int
  /// Its first seven bytes, big end first, and below them its length, or 255 for one of over seven
  /// bytes. Keys of up to seven bytes are the same where their words are. The words of keys are in the
  /// order of the keys; two longer keys may have the same one.
  let word: UInt64

  /// - Parameter string: the key as it was read.
  @inline(__always)
  init(_ string: BencodeValue, in bytes: RawSpan) {
    start = string.start
    end = string.end
    word = string.word(in: bytes)
  }

  /// The number of bytes.
  var count: Int { end - start }

  /// Returns whether the key comes before another in the order of raw bytes.
  @inline(__always)
  func precedes(_ other: DictionaryKey, in bytes: RawSpan) -> Bool {
    word == other.word ? precedesLong(other, in: bytes) : word < other.word
  }

  /// The same for keys whose words are the same.
  @inline(never)
  private func precedesLong(_ other: DictionaryKey, in bytes: RawSpan) -> Bool {
    let shared = min(count, other.count)
    for offset in 0..<shared {
      let (first, second) = (bytes.byte(at: start + offset), bytes.byte(at: other.start + offset))
      if first != second { return first < second }
    }
    return count < other.count
  }
}

/// The word of a text of one to seven characters, as `DictionaryKey.word` has it. Inlined, so that each
/// text becomes a constant.
@inline(__always)
func keyWord(_ text: StaticString) -> UInt64 {
  text.withUTF8Buffer { text in
    // Iteration stays within the bounds of the buffer.
    let number = unsafe text.reduce(0 as UInt64) { ($0 << 8) | UInt64($1) }
    return (number << UInt64(64 - 8 * text.count)) | UInt64(text.count)
  }
}
