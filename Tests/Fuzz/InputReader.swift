/// Cuts an input into what a target wants of it. Behind its end there are zeros.
struct InputReader {
  private var rest: Slice<UnsafeRawBufferPointer>

  init(_ input: UnsafeRawBufferPointer) {
    rest = input[...]
  }

  /// True if there is nothing left.
  var isEmpty: Bool { rest.isEmpty }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// A number below a bound of 1 to 256.
  mutating func below(_ bound: Int) -> Int { Int(byte()) % bound }

  /// A number of eight bytes.
  mutating func word() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) } }

  /// A number of bytes, or the remaining ones if there are fewer.
  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return [UInt8](rest.prefix(count))
  }

  /// Bytes behind their number, which takes one byte.
  mutating func string() -> [UInt8] { bytes(Int(byte())) }

  /// The same for more of them: the number takes two bytes.
  mutating func longString() -> [UInt8] { bytes(Int(byte()) << 8 | Int(byte())) }
}
