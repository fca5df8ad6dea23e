import CYAML

/// An event of libyaml's parser.
struct Event {
  enum Content {
    case documentStart
    case scalar(String, isPlain: Bool, anchor: String?)
    case alias(String)
    case collectionStart(isMapping: Bool, anchor: String?)
    case collectionEnd
    /// The start of the text, or the end of a document.
    case other
  }

  let content: Content
  let place: YAMLError.Place
}

/// Reads the events of a text with libyaml.
///
/// `@safe`: the caller of `init` guarantees that the text outlives the reader, the reader owns the parser,
/// and its results are copies.
@safe final class EventReader {
  private let text: UnsafeBufferPointer<UInt8>
  /// On the heap, because libyaml keeps its address.
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// - Parameter text: UTF-8 at a non-null address, valid while the reader lives.
  init(_ text: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
    unsafe self.text = text
    // The parser is initialized before it is read, and `deinit` frees it even if this throws.
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    guard unsafe yaml_parser_initialize(parser) == 1 else { throw error }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  /// The next event; nil at the end of the text. Do not call it again after an error.
  func next() throws(YAMLError) -> Event? {
    // A call that succeeds has set the event, which is valid until it is deleted.
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw error }
    defer { unsafe yaml_event_delete(&event) }
    guard unsafe event.type != YAML_STREAM_END_EVENT, unsafe event.type != YAML_NO_EVENT else { return nil }
    return unsafe Event(content: Event.Content(event), place: YAMLError.Place(event.start_mark))
  }

  private var error: YAMLError {
    // The parser owns the texts of its error. Each is null or ends with a zero byte.
    let state = unsafe parser.pointee
    let stage: YAMLError.Stage =
      switch unsafe state.error {
      case YAML_SCANNER_ERROR: .scanner
      case YAML_PARSER_ERROR: .parser
      case YAML_COMPOSER_ERROR: .composer
      default: .reader
      }
    let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "out of memory"
    // libyaml's byte reader is ahead of all marks.
    guard stage != .reader else {
      return unsafe .malformed(stage, problem: problem, place(ofByte: state.problem_offset), context: nil)
    }
    let context = unsafe state.context.map {
      unsafe YAMLError.Context(text: String(cString: $0), place: YAMLError.Place(state.context_mark))
    }
    return unsafe .malformed(stage, problem: problem, YAMLError.Place(state.problem_mark), context: context)
  }

  private func place(ofByte offset: Int) -> YAMLError.Place {
    // `prefix` stays within the text.
    let before = unsafe String(decoding: text.prefix(offset), as: UTF8.self)
    let lines = before.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return YAMLError.Place(line: lines.count, column: (lines.last?.unicodeScalars.count ?? 0) + 1)
  }
}

extension Event.Content {
  /// - Parameter event: set by libyaml, and not deleted yet.
  fileprivate init(_ event: yaml_event_t) {
    // Its type says which part of the union is valid.
    let data = unsafe event.data
    self =
      switch unsafe event.type {
      case YAML_DOCUMENT_START_EVENT: .documentStart
      case YAML_SCALAR_EVENT:
        unsafe .scalar(
          // The length is passed, because an escape may have produced a zero byte.
          String(
            decoding: UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length), as: UTF8.self),
          isPlain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE, anchor: Self.text(data.scalar.anchor))
      case YAML_ALIAS_EVENT: unsafe .alias(Self.text(data.alias.anchor) ?? "")
      case YAML_SEQUENCE_START_EVENT:
        unsafe .collectionStart(isMapping: false, anchor: Self.text(data.sequence_start.anchor))
      case YAML_MAPPING_START_EVENT:
        unsafe .collectionStart(isMapping: true, anchor: Self.text(data.mapping_start.anchor))
      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: .collectionEnd
      default: .other
      }
  }

  private static func text(_ bytes: UnsafePointer<yaml_char_t>?) -> String? {
    // Anchors end with a zero byte.
    unsafe bytes.map { unsafe String(cString: $0) }
  }
}

extension YAMLError.Place {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }
}
