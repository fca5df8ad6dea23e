/// Suggests corrections of misspelled names.
enum Spelling {
  /// The candidate that is at most two edits away from a text; nil if there is none.
  static func closest(to text: String, in candidates: [String]) -> String? {
    // A much longer text does not resemble any name.
    guard text.utf8.count <= 64 else { return nil }
    let ranked = candidates.map { (candidate: $0, distance: distance(Array(text.utf8), Array($0.utf8))) }
    let best = ranked.min { $0.distance < $1.distance }
    return best.flatMap { $0.distance <= 2 ? $0.candidate : nil }
  }

  /// The number of letters to change, add or remove to turn one text into the other (Levenshtein distance).
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
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
