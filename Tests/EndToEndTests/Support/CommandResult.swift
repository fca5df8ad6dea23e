/// The output of a command, and its exit status.
struct CommandResult {
  let status: Int32
  let bytes: [UInt8]
  let errors: String

  var output: String { String(decoding: bytes, as: UTF8.self) }

  var outputLines: [String] { output.split(separator: "\n").map(String.init) }

  /// The lines of standard error; the last one is empty where it ends with a line feed.
  var errorLines: [String] {
    errors.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Returns whether it failed as every command should: with a status, nothing on standard output, and one
  /// line on standard error, which begins with the name of the program.
  func isComplaint(status: Int32, of program: String = "dhtctl", _ words: String...) -> Bool {
    self.status == status && bytes.isEmpty && errors.hasPrefix("\(program): ") && errors.hasSuffix("\n")
      && errorLines.count == 2 && words.allSatisfy { errors.contains($0) }
  }
}

extension CommandResult: CustomStringConvertible {
  var description: String { "status \(status), output '\(output)', errors '\(errors)'" }
}
