import ArgumentParser
import ControlProtocol
import Signatures

struct DeleteCommand: TakesGlobalOptions {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete a key and its value.",
    discussion: "A failed quorum means that it is unknown whether the key is gone.")

  @OptionGroup var options: GlobalOptions
  @OptionGroup var record: RecordOptions
  @Argument(help: "The key, or the name of a record with --sign or --sealed.")
  var key: String

  func validate() throws { try KeyArgument.check(key, in: record) }

  func run() throws {
    let key = Array(key.utf8)
    if let writer = try record.writer(of: key) {
      var client = try options.connect()
      let put = try writer.put(with: &client) { _ in SignedText.deletion }
      return try options.print(json: put) { Rendering.delete(key, put, isSealed: record.sealed) }
    }
    var params = DeleteParams(key: key)
    if record.sign { params.kind = .signed }
    try options.run(.delete(params)) { result in
      guard case .delete(let put) = result else { return "" }
      return Rendering.delete(key, put)
    }
  }
}
