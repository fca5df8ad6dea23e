import Glibc
import Kademlia
import SeededRandom

/// The source of the round-trip times between hosts.
package enum DelayModel: Sendable {
  case plane(DelayPlane)
  case matrix(DelayMatrix)
}

/// Hosts on a square, each behind its own access line. The round trip between two hosts is the distance
/// across the square plus the delays of both lines, which are log-normal: most are short, some are long.
package struct DelayPlane: Hashable, Sendable {
  /// The round trip from one side of the square to the other, in milliseconds.
  package var width = 75.0
  /// The median delay of an access line, in milliseconds.
  package var accessMedian = 13.0
  /// The spread of these delays: the deviation of the delay's natural logarithm.
  package var accessSigma = 1.35

  /// Calibrated to a median of about 80 ms and a 95th percentile of about 250 ms.
  package init() {}
}

/// Measured round trips between machines. Each host takes the place of one of the machines.
package struct DelayMatrix: Sendable {
  /// The number of machines.
  package let size: Int
  private let milliseconds: [Float]

  /// The problem of a matrix's text.
  package enum Problem: Error, Hashable {
    case empty
    /// Line `line`, counted from 1, has a number of values that differs from the number of lines.
    case notSquare(line: Int, values: Int, lines: Int)
    /// The word is not a time in milliseconds from 0 to 60000.
    case notATime(line: Int, word: String)
  }

  /// Parses a matrix with a line for each machine: its round trips to all machines in milliseconds,
  /// separated by blanks or commas. Lines that begin with `#` are comments.
  package init(text: String) throws(Problem) {
    let lines = text.split(separator: "\n").enumerated().filter {
      !$0.element.hasPrefix("#") && $0.element.contains { !$0.isWhitespace }
    }
    guard !lines.isEmpty else { throw .empty }
    var values: [Float] = []
    for (index, line) in lines {
      let words = line.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == "\r" }
      guard words.count == lines.count else {
        throw .notSquare(line: index + 1, values: words.count, lines: lines.count)
      }
      for word in words {
        guard let value = Float(word), (0...60_000).contains(value) else {
          throw .notATime(line: index + 1, word: String(word.prefix(40)))
        }
        values.append(value)
      }
    }
    size = lines.count
    milliseconds = values
  }

  func roundTrip(_ from: Int, _ to: Int) -> Double { Double(milliseconds[from * size + to]) }
}

/// The location of a host in a delay model.
struct DelayPlace: Sendable {
  var x = 0.0
  var y = 0.0
  /// The delay of its access line, in milliseconds of a round trip.
  var access = 0.0
  /// The index of its machine in a matrix.
  var row = 0
}

extension DelayModel {
  /// The location of a host, which is the same for the same seed.
  func place(of host: Int, seed: UInt64) -> DelayPlace {
    var random = SplitMix64(seed: SplitMix64.mix(seed) ^ UInt64(host) &* 0xD6E8_FEB8_6659_FD93)
    switch self {
    case .plane(let plane):
      let x = random.unit() * plane.width
      let y = random.unit() * plane.width
      return DelayPlace(x: x, y: y, access: plane.accessMedian * exp(plane.accessSigma * random.normal()))
    case .matrix(let matrix):
      return DelayPlace(row: Int.random(in: 0..<matrix.size, using: &random))
    }
  }

  /// The round trip between two places, in milliseconds.
  func roundTrip(_ from: DelayPlace, _ to: DelayPlace) -> Double {
    switch self {
    case .plane:
      let (x, y) = (from.x - to.x, from.y - to.y)
      return (x * x + y * y).squareRoot() + from.access + to.access
    case .matrix(let matrix):
      return matrix.roundTrip(from.row, to.row)
    }
  }
}
