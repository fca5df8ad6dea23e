import Glibc

/// The scale of an axis: its range and its ticks.
struct Scale {
  enum Kind {
    case linear, logarithmic
    /// Words side by side, at 0, 1 and so on.
    case words([String])
  }

  let kind: Kind
  let low: Double
  let high: Double
  /// The positions and labels of the ticks.
  let ticks: [(value: Double, text: String)]

  /// A scale from 0 to a round number that covers all values.
  static func linear(upTo greatest: Double, atLeast least: Double = 0) -> Scale {
    let top = max(greatest, least, 1e-9)
    let step = roundStep(top / 4)
    let count = Int((top / step - 1e-9).rounded(.up))
    let ticks = (0...max(1, count)).map { number in
      let value = Double(number) * step
      return (value, Text.grouped(Text.number(value)))
    }
    return Scale(kind: .linear, low: 0, high: Double(max(1, count)) * step, ticks: ticks)
  }

  /// A scale of powers of ten, with 2 and 5 between them if there are few.
  static func logarithmic(_ values: some Sequence<Double>) -> Scale {
    let positive = values.filter { $0 > 0 }
    let least = positive.min() ?? 1
    let greatest = max(positive.max() ?? 10, least * 1.001)
    let isShort = log10(greatest / least) < 2.5
    let factors: [Double] = isShort ? [1, 2, 5] : [1]
    let decades = Int(floor(log10(least))) - 1...Int(ceil(log10(greatest))) + 1
    let round = decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
    let low = round.last { $0 <= least * 1.0001 } ?? least
    let high = round.first { $0 >= greatest * 0.9999 } ?? greatest
    let ticks = round.filter { $0 >= low && $0 <= high }.map { ($0, Text.grouped(Text.number($0))) }
    return Scale(kind: .logarithmic, low: low, high: max(high, low * 1.001), ticks: ticks)
  }

  static func words(_ words: [String]) -> Scale {
    Scale(
      kind: .words(words), low: -0.5, high: Double(words.count) - 0.5,
      ticks: words.enumerated().map { (Double($0.offset), $0.element) })
  }

  /// 1, 2, 2.5 or 5 times a power of ten.
  private static func roundStep(_ step: Double) -> Double {
    let power = pow(10, floor(log10(step)))
    let digit = step / power
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 2.5 ? 2.5 : digit <= 5 ? 5 : 10)
  }

  /// The position of a value, from 0 to 1.
  func share(of value: Double) -> Double {
    let share: Double
    if case .logarithmic = kind {
      share = log(max(value, low) / low) / log(high / low)
    } else {
      share = (value - low) / (high - low)
    }
    return min(max(share, 0), 1)
  }
}
