/// Keys with their values, as many as a test needs.
func pairs(_ count: Int, _ name: String = "key") -> [(key: String, value: String)] {
  (1...count).map { ("\(name)\($0)", "value of \(name)\($0)") }
}

/// The wrong answers of a node to gets of all keys.
func wrongAnswers(at node: DaemonProcess, to pairs: [(key: String, value: String)]) throws -> [JSON] {
  let answers = try node.client().getAll(pairs.map(\.key))
  return zip(pairs, answers).filter { $0.value != $1["result"]["value"].string }.map(\.1)
}

extension Collection {
  /// The elements in so many parts, each taken by turns.
  func dealt(among parts: Int) -> [[Element]] {
    var dealt = [[Element]](repeating: [], count: parts)
    for (index, element) in enumerated() { dealt[index % parts].append(element) }
    return dealt
  }
}
