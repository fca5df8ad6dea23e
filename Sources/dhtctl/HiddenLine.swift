import Glibc

/// Reads a line from the terminal without showing it.
enum HiddenLine {
  /// Prompts for a line.
  ///
  /// - Returns: the line without its line feed; nil if there is no terminal, or the user typed an interrupt.
  static func read(prompt: String) -> [UInt8]? {
    // The pointers to the path and the settings are used only during the calls.
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var settings = termios()
    guard unsafe tcgetattr(terminal, &settings) == 0 else { return nil }
    var hidden = settings
    // Signals are off, so that an interrupt never leaves the terminal without echo.
    hidden.c_lflag &= ~tcflag_t(ECHO | ISIG)
    // This comes before the prompt, so that early input is neither shown nor discarded.
    unsafe tcsetattr(terminal, TCSAFLUSH, &hidden)
    write(prompt, to: terminal)
    defer {
      unsafe tcsetattr(terminal, TCSAFLUSH, &settings)
      write("\n", to: terminal)
    }
    var line: [UInt8] = []
    while let piece = Descriptor.read(terminal), !piece.isEmpty, line.count < 4_096 {
      line += piece
      if line.contains(0x03) { return nil }
      if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
    }
    return line
  }

  private static func write(_ text: String, to descriptor: Int32) {
    // The pointer to the bytes is used only during the call.
    _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}
