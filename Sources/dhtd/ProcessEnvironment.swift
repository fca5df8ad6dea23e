import Glibc

/// The environment of this process.
enum ProcessEnvironment {
  static var all: [String: String] {
    var variables: [String: String] = [:]
    // A null pointer ends the list, and a zero byte each text. The program never changes its environment.
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      let text = unsafe String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      unsafe next += 1
    }
    return variables
  }
}
