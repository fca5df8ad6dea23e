/// The reason why a text is not a YAML document.
package enum YAMLError: Error, Hashable, Sendable {
  /// The text breaks a rule of YAML, or a limit of the reader.
  case malformed(Stage, problem: String, Place, context: Context?)
  /// A mapping has duplicate keys, listed in sorted order. The line is where the first of them first occurs.
  case duplicateKeys([String], line: Int)

  /// The part of the reader that found the fault.
  package enum Stage: String, Sendable {
    case reader, scanner, parser, composer
  }

  /// A place in the text, counted from 1. Columns count Unicode scalars.
  package struct Place: Hashable, Sendable {
    package let line: Int
    package let column: Int
  }

  /// The part of the document that was being read.
  package struct Context: Hashable, Sendable {
    package let text: String
    package let place: Place
  }
}
