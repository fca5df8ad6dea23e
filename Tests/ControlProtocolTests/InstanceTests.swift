import ControlProtocol
import Testing

@Suite("Instances")
struct InstanceTests {
  private let instance = Instance(port: 8001)

  private func user(_ environment: [String: String] = [:], uid: UInt32 = 1000) -> Instance.Context {
    Instance.Context(uid: uid, environment: environment)
  }

  @Test("root's node uses the system's directories")
  func root() throws {
    let root = user(["XDG_RUNTIME_DIR": "/run/user/0", "HOME": "/root"], uid: 0)
    #expect(instance.controlSocket(root) == "/run/dhtd/8001/control.sock")
    #expect(try instance.stateDirectory(root) == "/var/lib/dhtd/8001")
    #expect(instance.controlSocketCandidates(root) == ["/run/dhtd/8001/control.sock"])
  }

  @Test("a user's node uses the user's directories")
  func ordinaryUser() throws {
    let alice = user([
      "XDG_RUNTIME_DIR": "/run/user/1000/", "XDG_STATE_HOME": "/home/alice/state", "HOME": "/home/alice",
    ])
    #expect(instance.controlSocket(alice) == "/run/user/1000/dhtd/8001/control.sock")
    #expect(try instance.stateDirectory(alice) == "/home/alice/state/dhtd/8001")
    #expect(
      try instance.stateDirectory(user(["HOME": "/home/alice"])) == "/home/alice/.local/state/dhtd/8001")
  }

  @Test("without a runtime directory the socket is in a directory of the user's in /tmp")
  func withoutRuntimeDirectory() {
    #expect(instance.controlSocket(user()) == "/tmp/dhtd-1000/8001/control.sock")
    #expect(
      instance.controlSocket(user(["XDG_RUNTIME_DIR": "relative"])) == "/tmp/dhtd-1000/8001/control.sock")
    #expect(instance.controlSocket(user(["XDG_RUNTIME_DIR": ""])) == "/tmp/dhtd-1000/8001/control.sock")
  }

  @Test("a systemd service uses the directories that systemd made")
  func service() throws {
    let service = user(["RUNTIME_DIRECTORY": "/run/dhtd/8001", "STATE_DIRECTORY": "/var/lib/dhtd"], uid: 990)
    #expect(instance.controlSocket(service) == "/run/dhtd/8001/control.sock")
    #expect(try instance.stateDirectory(service) == "/var/lib/dhtd/8001")
    let several = user(["RUNTIME_DIRECTORY": "/run/a:/run/b"])
    #expect(instance.controlSocket(several) == "/tmp/dhtd-1000/8001/control.sock")
  }

  @Test("a client looks in the user's directories first, then in the system's")
  func candidates() {
    #expect(
      instance.controlSocketCandidates(user(["XDG_RUNTIME_DIR": "/run/user/1000"])) == [
        "/run/user/1000/dhtd/8001/control.sock", "/tmp/dhtd-1000/8001/control.sock",
        "/run/dhtd/8001/control.sock",
      ])
    #expect(
      instance.controlSocketCandidates(user()) == [
        "/tmp/dhtd-1000/8001/control.sock", "/run/dhtd/8001/control.sock",
      ])
  }

  @Test("without HOME there is no state directory, and the error says what to set")
  func withoutHome() {
    let error = #expect(throws: InstanceError.self) { try instance.stateDirectory(user()) }
    #expect(error?.description.contains("HOME") == true)
  }

  @Test("only a port names an instance")
  func names() {
    #expect(Instance("8001") == instance)
    for text in ["", "0", "65536", "-1", "+1", "08001", "8001 ", "dhtd", "control.sock"] {
      #expect(Instance(text) == nil, "\(text)")
    }
  }

  @Test("a socket path has room for 107 bytes")
  func socketPaths() throws {
    #expect(try SocketPath("/" + String(repeating: "a", count: 106)).string.utf8.count == 107)
    let error = #expect(throws: InstanceError.self) {
      try SocketPath("/" + String(repeating: "a", count: 107))
    }
    #expect(error?.description.contains("108 bytes, and Linux allows 107") == true)
    #expect(throws: InstanceError.emptySocketPath) { try SocketPath("") }
    #expect(throws: InstanceError.emptySocketPath) { try SocketPath("/a\0b") }
  }
}
