import CLibEdit
import Glibc

/// Reads lines from a terminal, with editing and a history in memory.
struct TerminalReader {
  init() {
    // Without a locale the editor treats a letter outside ASCII as several.
    setlocale(LC_CTYPE, "")
    // The editor would complete file names, which no command takes.
    rl_bind_key(Int32(UInt8(ascii: "\t")), rl_insert)
  }

  /// The next line without its line feed; nil at the end of the input.
  func readLine(prompt: String) -> [UInt8]? {
    guard let line = readline(prompt) else { return nil }
    defer { free(line) }
    let bytes = Array(UnsafeRawBufferPointer(start: line, count: strlen(line)))
    if !bytes.isEmpty { add_history(line) }
    return bytes
  }
}
