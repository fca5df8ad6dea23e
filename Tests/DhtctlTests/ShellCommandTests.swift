import ControlProtocol
import Testing

@testable import dhtctl

@Suite("Lines of the shell")
struct ShellCommandTests {
  private func command(_ line: String) -> ShellCommand { ShellCommand(Array(line.utf8)) }

  private func put(_ key: String, _ value: String) -> ShellCommand {
    .request(.put(PutParams(key: Array(key.utf8), value: Array(value.utf8))))
  }

  @Test("a value is the unchanged rest of its line")
  func values() {
    #expect(command("put hello world") == put("hello", "world"))
    #expect(command(#"put user:123 {"name":"alice"}"#) == put("user:123", #"{"name":"alice"}"#))
    #expect(command("  put   k  two blanks  ") == put("k", " two blanks  "))
    #expect(command("put k ") == put("k", ""))
    #expect(command("put -- -x") == put("--", "-x"))
  }

  @Test("bytes that are not UTF-8 are kept")
  func bytes() {
    let line = Array("put ".utf8) + [0xFF, 0x20, 0xFE, 0x00]
    #expect(ShellCommand(line) == .request(.put(PutParams(key: [0xFF], value: [0xFE, 0x00]))))
  }

  @Test("the other commands")
  func others() {
    #expect(command("get hello\r") == .request(.get(GetParams(key: Array("hello".utf8)))))
    #expect(command("delete hello ") == .request(.delete(DeleteParams(key: Array("hello".utf8)))))
    #expect(command("status") == .request(.status))
    #expect(command("help") == .help)
    #expect(command("quit") == .quit)
    #expect(command(" exit ") == .quit)
    #expect(command(" \t") == .blank)
  }

  @Test(
    "the error for a wrong line shows a correct one",
    arguments: ["put", "put k", "get", "get a b", "delete", "status now", "bogus", "PUT a b", "\u{1B}[2J"])
  func mistakes(_ line: String) {
    guard case .mistake(let message) = command(line) else {
      Issue.record("\(line) is no mistake")
      return
    }
    #expect(!message.contains("\u{1B}"))
  }

  @Test("a command waits for an earlier one on its key, unless both only read")
  func order() throws {
    let write = ControlRequest.put(PutParams(key: [1], value: []))
    let read = ControlRequest.get(GetParams(key: [1]))
    let delete = ControlRequest.delete(DeleteParams(key: [1]))
    let other = ControlRequest.put(PutParams(key: [2], value: []))
    #expect(ShellCommand.request(read).mustWait(for: write))
    #expect(ShellCommand.request(write).mustWait(for: read))
    #expect(ShellCommand.request(write).mustWait(for: delete))
    #expect(!ShellCommand.request(read).mustWait(for: read))
    #expect(!ShellCommand.request(other).mustWait(for: write))
    #expect(ShellCommand.request(.status).mustWait(for: read))
    #expect(ShellCommand.request(read).mustWait(for: .status))
    #expect(!ShellCommand.help.mustWait(for: write))
  }
}
