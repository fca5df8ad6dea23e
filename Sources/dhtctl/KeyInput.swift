import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// The source of a key to add. A key is never an argument, because anyone who runs `ps` could see it.
struct KeyInput {
  private let argument: String?

  /// - Parameter argument: a file, or `-` for standard input; nil for the terminal.
  init(_ argument: String?) { self.argument = argument }

  /// Reads the key, which is the only line that is not a comment.
  func read() throws(Failure) -> String {
    let text: [UInt8]
    switch argument {
    case nil:
      guard let line = HiddenLine.read(prompt: "Key: ") else {
        throw .usage("no terminal to ask for the key; give a file with the key, or - for standard input")
      }
      text = line
    case "-":
      text = try Self.standardInput()
    case let path?:
      guard !Self.looksLikeKey(path) else {
        throw .usage(
          "a key is never an argument, because others can read it; this key is no longer secret: create a new one, "
            + "and give a file with the key, or - for standard input")
      }
      text = try SecretFile.contents(of: path)
    }
    return try Self.key(in: text)
  }

  /// The key in the text of a key file.
  static func key(in text: [UInt8]) throws(Failure) -> String {
    let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
    let words = lines.map { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    guard let word = words.first, words.count == 1 else {
      throw Failure(
        .failed, "expected one key, and found \(words.count) lines that could be one", reason: "input")
    }
    return word
  }

  /// Returns whether the argument looks like a key instead of a file: 43 letters of base64, and its padding.
  private static func looksLikeKey(_ argument: String) -> Bool {
    // The pointer to the path is used only during the call.
    unsafe argument.utf8.count == 44 && argument.hasSuffix("=") && access(argument, F_OK) != 0
  }

  private static func standardInput() throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      guard let piece = Descriptor.read(STDIN_FILENO) else {
        throw Failure(
          .failed, "cannot read standard input: \(Errno.current)", reason: "input")
      }
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= 64 << 10 else {
        throw Failure(.failed, "standard input is longer than 64 KiB; this is not a key", reason: "input")
      }
    }
  }
}
