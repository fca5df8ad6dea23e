/// A text with one YAML document.
///
/// The reader is safe for any input: it limits the depth of the nodes, and what aliases can multiply.
package struct YAMLDocument: Sendable {
  /// The outermost node; nil if the text has none.
  package let root: YAMLNode?

  /// The most collections inside each other. Deeper nodes could overflow the stack of code that walks them.
  package static let maxDepth = 1000
  /// The most nodes that all aliases together stand for. A short text could otherwise stand for billions.
  package static let maxAliasedNodes = 1 << 16

  /// Reads a text.
  ///
  /// - Throws: `YAMLError` for the first fault.
  package init(_ text: String) throws(YAMLError) {
    // With a trailing zero, so that the address of an empty text is not null, for which libyaml would abort.
    let bytes = Array(text.utf8) + [0]
    // The reader does not outlive the closure.
    root = try unsafe bytes.withUnsafeBufferPointer { (buffer) throws(YAMLError) in
      let events = try unsafe EventReader(UnsafeBufferPointer(rebasing: buffer.dropLast()))
      var builder = NodeBuilder()
      while let event = try events.next() { try builder.handle(event) }
      return builder.root
    }
  }
}

/// Makes the tree of nodes from the events of a document.
private struct NodeBuilder {
  private(set) var root: YAMLNode?
  private var open: [OpenCollection] = []
  private var anchors: [String: Measured] = [:]
  private var aliasedNodes = 0
  private var documents = 0

  /// A node and its measures. The tree is not walked to measure it, because aliases share parts of it.
  private struct Measured {
    let node: YAMLNode
    /// The number of nodes in it, including itself.
    var size = 1
    /// The depth of its collections, including itself.
    var depth = 0
  }

  /// A sequence or mapping that has not ended yet.
  private struct OpenCollection {
    let isMapping: Bool
    let anchor: String?
    let place: YAMLError.Place
    /// Its elements, or its keys and values alternately.
    var children: [YAMLNode] = []
    var size = 1
    var depth = 1
  }

  mutating func handle(_ event: Event) throws(YAMLError) {
    let place = event.place
    switch event.content {
    case .documentStart:
      documents += 1
      guard documents == 1 else {
        throw .malformed(
          .composer, problem: "but found another document", place,
          context: .init(text: "expected a single document in the stream", place: .init(line: 1, column: 1)))
      }
    case .scalar(let text, let isPlain, let anchor):
      let scalar = YAMLNode.Scalar(text: text, isPlain: isPlain, line: place.line)
      try add(Measured(node: .scalar(scalar)), anchor: anchor, at: place)
    case .alias(let name):
      guard let node = anchors[name] else { throw composerError("found undefined alias", at: place) }
      aliasedNodes += node.size
      guard aliasedNodes <= YAMLDocument.maxAliasedNodes else {
        throw composerError("aliases stand for more than \(YAMLDocument.maxAliasedNodes) nodes", at: place)
      }
      try add(node, anchor: nil, at: place)
    case .collectionStart(let isMapping, let anchor):
      guard open.count < YAMLDocument.maxDepth else { throw tooDeep(at: place) }
      open.append(OpenCollection(isMapping: isMapping, anchor: anchor, place: place))
    case .collectionEnd:
      guard let ended = open.popLast() else { return }
      try add(
        Measured(node: try node(of: ended), size: ended.size, depth: ended.depth), anchor: ended.anchor,
        at: ended.place)
    case .other: break
    }
  }

  private mutating func add(_ node: Measured, anchor: String?, at place: YAMLError.Place) throws(YAMLError) {
    guard open.count + node.depth <= YAMLDocument.maxDepth else { throw tooDeep(at: place) }
    if let anchor { anchors[anchor] = node }
    guard let last = open.indices.last else {
      root = node.node
      return
    }
    open[last].children.append(node.node)
    open[last].size += node.size
    open[last].depth = max(open[last].depth, node.depth + 1)
  }

  private func node(of collection: OpenCollection) throws(YAMLError) -> YAMLNode {
    let (children, line) = (collection.children, collection.place.line)
    guard collection.isMapping else { return .sequence(children, line: line) }
    let pairs = stride(from: 0, to: children.count - 1, by: 2).map {
      YAMLNode.Pair(key: children[$0], value: children[$0 + 1])
    }
    try checkKeys(of: pairs)
    return .mapping(pairs, line: line)
  }

  /// Keys that are not scalars are not compared, because no caller accepts them.
  private func checkKeys(of pairs: [YAMLNode.Pair]) throws(YAMLError) {
    var firstLines: [String: Int] = [:]
    var duplicates: Set<String> = []
    for case .scalar(let key) in pairs.lazy.map(\.key) {
      if firstLines[key.text] == nil { firstLines[key.text] = key.line } else { duplicates.insert(key.text) }
    }
    let sorted = duplicates.sorted()
    if let first = sorted.first { throw .duplicateKeys(sorted, line: firstLines[first] ?? 1) }
  }

  private func tooDeep(at place: YAMLError.Place) -> YAMLError {
    composerError("nested more than \(YAMLDocument.maxDepth) levels deep", at: place)
  }

  private func composerError(_ problem: String, at place: YAMLError.Place) -> YAMLError {
    .malformed(.composer, problem: problem, place, context: nil)
  }
}
