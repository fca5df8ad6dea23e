import Foundation

/// The programs under test, as a user would run them.
struct Programs: Sendable {
  /// They are looked for once.
  static let underTest = Result { () throws(ProgramsMissing) in try Programs() }

  /// The user ID of `nobody`.
  private static let nobody: uid_t = 65534

  let dhtd: String
  let dhtctl: String
  let dhtsim: String
  /// The prefix of each command line. Root runs the programs as an ordinary user, so that the permissions of
  /// a user apply, and the machine's own instances stay untouched.
  let prefix: [String]

  /// The user that the programs run as.
  var user: uid_t { prefix.isEmpty ? geteuid() : Self.nobody }

  /// True if the programs use the directories of a user, and not `/run` and `/var/lib`.
  static var runAsOrdinaryUser: Bool {
    switch underTest {
    case .success(let programs): programs.user != 0
    // Let the test run, and say what is missing.
    case .failure: true
    }
  }

  /// True if the programs are built, or `DHTD_BIN` says where they are: a plain `swift test` does without.
  static var areExpected: Bool {
    if ProcessInfo.processInfo.environment["DHTD_BIN"] != nil { return true }
    return access(releaseDirectory + "/dhtd", X_OK) == 0
  }

  private init() throws(ProgramsMissing) {
    // A program that ends while it is being written to is an error to be seen, not the end of the tests.
    signal(SIGPIPE, SIG_IGN)
    let directory = ProcessInfo.processInfo.environment["DHTD_BIN"] ?? Self.releaseDirectory
    dhtd = directory + "/dhtd"
    dhtctl = directory + "/dhtctl"
    dhtsim = directory + "/dhtsim"
    for program in [dhtd, dhtctl, dhtsim] where access(program, X_OK) != 0 {
      throw ProgramsMissing(
        description: "there is no program \(program); run packaging/test, which builds it")
    }
    prefix = Self.ordinaryUserPrefix(trying: [dhtd, dhtctl])
  }

  /// `.build/release` below the directory of the package.
  private static var releaseDirectory: String {
    var url = URL(filePath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return url.appending(path: ".build/release").path
  }

  /// Empty where the user is an ordinary one already, or root has no way to become one.
  private static func ordinaryUserPrefix(trying programs: [String]) -> [String] {
    guard geteuid() == 0 else { return [] }
    let prefix = [
      "/usr/bin/setpriv", "--reuid=\(nobody)", "--regid=\(nobody)", "--clear-groups", "--",
    ]
    let canRun = programs.allSatisfy { program in
      let trial = try? ChildProcess(prefix + [program, "--version"], environment: [:], group: nil)
      return (try? trial?.waitForExit(within: 10)) == .exited(0)
    }
    return canRun ? prefix : []
  }
}

/// There is nothing to test.
struct ProgramsMissing: Error, CustomStringConvertible {
  let description: String
}
