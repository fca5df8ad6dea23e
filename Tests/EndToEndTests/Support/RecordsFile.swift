import Foundation
import SeededRandom

/// The file in which a node that does not run keeps its records, and what may befall it.
struct RecordsFile {
  let path: String
  private let directory: String

  init(of node: DaemonProcess) {
    directory = node.stateDirectory
    path = directory + "/records.mdb"
  }

  func bytes() throws -> [UInt8] { try contents(path) }

  /// Writes over it, so that it stays the same file with the same owner.
  private func write(_ bytes: [UInt8]) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.write(contentsOf: Data(bytes))
    try file.truncate(atOffset: UInt64(bytes.count))
    try file.close()
  }

  /// The damaged files that were kept, oldest first.
  func kept() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory)
      .filter { $0.hasPrefix("records.damaged-") && $0.hasSuffix(".mdb") }.sorted()
      .map { "\(directory)/\($0)" }
  }

  /// Kinds of damage.
  enum Damage: CustomStringConvertible {
    /// The file is cut to a number of bytes.
    case cut(bytes: Int)
    /// The file is cut to a share of its length.
    case cutTo(percent: Int)
    /// A number of bits are flipped.
    case bits(Int, seed: UInt64)
    case noise(seed: UInt64)

    /// True if the next start must see it, whatever else is so.
    var isPlain: Bool {
      if case .bits(let count, _) = self { count > 1_000 } else { true }
    }

    var description: String {
      switch self {
      case .cut(let bytes): "cut to \(bytes) bytes"
      case .cutTo(let percent): "cut to \(percent) %"
      case .bits(let count, let seed): "\(count) bits flipped, seed \(seed)"
      case .noise(let seed): "noise, seed \(seed)"
      }
    }
  }

  func suffer(_ damage: Damage) throws {
    var bytes = try bytes()
    switch damage {
    case .cut(let length): bytes = Array(bytes.prefix(length))
    case .cutTo(let percent): bytes = Array(bytes.prefix(bytes.count * percent / 100))
    case .bits(let count, let seed):
      var random = SplitMix64(seed: seed)
      for _ in 0..<count {
        bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << Int.random(in: 0..<8, using: &random)
      }
    case .noise(let seed):
      var random = SplitMix64(seed: seed)
      for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &random) }
    }
    try write(bytes)
  }

  /// Flips a bit in every copy of a text.
  /// - Returns: in how many.
  @discardableResult
  func flip(_ text: String) throws -> Int {
    var data = Data(try bytes())
    let text = Data(text.utf8)
    var count = 0
    var rest = data.startIndex..<data.endIndex
    while let found = data.range(of: text, in: rest) {
      data[found.lowerBound] ^= 4
      rest = found.upperBound..<data.endIndex
      count += 1
    }
    try write(Array(data))
    return count
  }

  /// Makes it look like one of a later version of LMDB.
  func becomeNewer() throws {
    var bytes = try bytes()
    // A version stands 20 bytes into each of the first two pages, whose size stands 40 bytes into the first.
    let pageSize = bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int($1) }
    for page in [0, pageSize] { bytes[page + 20] = 2 }
    try write(bytes)
  }
}
