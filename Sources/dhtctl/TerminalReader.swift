import CLibEdit
import Glibc

/// Reads lines from a terminal, with editing and a history in memory.
struct TerminalReader {
  init() {
    // The pointer to the name of the locale is used only during the call.
    // Without a locale the editor treats a letter outside ASCII as several.
    unsafe setlocale(LC_CTYPE, "")
    // The editor would complete file names, which no command takes.
    rl_bind_key(Int32(UInt8(ascii: "\t")), rl_insert)
  }

  /// The next line without its line feed; nil at the end of the input.
  func readLine(prompt: String) -> [UInt8]? {
    // The line ends with a zero byte and belongs to this function. The history keeps a copy of its own.
    guard let line = unsafe readline(prompt) else { return nil }
    defer { unsafe free(line) }
    let bytes = unsafe Array(UnsafeRawBufferPointer(start: line, count: strlen(line)))
    if !bytes.isEmpty { unsafe add_history(line) }
    return bytes
  }
}
