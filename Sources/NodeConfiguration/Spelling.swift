/// Finds what somebody meant to write.
enum Spelling {
  /// The candidate that is at most two slips away from a text; nil if none is.
  static func closest(to text: String, in candidates: [String]) -> String? {
    // What is much longer than any name is none of them.
    guard text.utf8.count <= 64 else { return nil }
    let ranked = candidates.map { (candidate: $0, slips: slips(Array(text.utf8), Array($0.utf8))) }
    let best = ranked.min { $0.slips < $1.slips }
    return best.flatMap { $0.slips <= 2 ? $0.candidate : nil }
  }

  /// How many letters must be changed, added or left out to make one text the other (Levenshtein).
  private static func slips(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let changed = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, diagonal + 1, row[j] + 1)
      }
    }
    return row[right.count]
  }
}
