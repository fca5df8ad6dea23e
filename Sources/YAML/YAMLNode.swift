/// A node of a YAML document. Aliases are already replaced by the nodes they stand for.
package enum YAMLNode: Sendable {
  case scalar(Scalar)
  case sequence([YAMLNode], line: Int)
  /// The pairs in the order of the text.
  case mapping([Pair], line: Int)

  /// A single value.
  package struct Scalar: Sendable {
    /// The text without quotes, and with its escapes replaced.
    package let text: String
    /// True if the text is neither quoted nor a block (`|`, `>`). Only a plain scalar may mean null.
    package let isPlain: Bool
    /// Its line, counted from 1.
    package let line: Int
  }

  /// A key of a mapping and its value.
  package struct Pair: Sendable {
    package let key: YAMLNode
    package let value: YAMLNode
  }

  /// The line where the node begins, counted from 1. A node behind an alias has the line of its anchor.
  package var line: Int {
    switch self {
    case .scalar(let scalar): scalar.line
    case .sequence(_, let line), .mapping(_, let line): line
    }
  }

  /// The text of a scalar; nil for any other node.
  package var text: String? {
    if case .scalar(let scalar) = self { scalar.text } else { nil }
  }
}
