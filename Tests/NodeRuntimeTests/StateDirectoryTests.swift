import TestSupport
import Testing

@testable import NodeRuntime

@Suite("The state directory")
struct StateDirectoryTests {
  @Test("it is made with its parents, for its owner alone")
  func isMade() throws {
    try withTemporaryDirectory { root in
      let directory = try StateDirectory(root + "/a/b/8001")
      #expect(directory.path == root + "/a/b/8001")
      #expect(mode(of: directory.path) == 0o700)
    }
  }

  @Test("one dhtd at a time uses it")
  func isHeldByOne() throws {
    try withTemporaryDirectory { root in
      let path = root + "/8001"
      do {
        let first = try StateDirectory(path)
        #expect(throws: StateDirectoryError.inUse(path: path)) { try StateDirectory(path) }
        withExtendedLifetime(first) {}
      }
      #expect(throws: Never.self) { try StateDirectory(path) }
    }
  }

  @Test("a file in its place is refused with its path")
  func isNoFile() throws {
    try withTemporaryDirectory { root in
      let directory = try StateDirectory(root)
      try directory.write([1], to: "file")
      #expect(
        throws: StateDirectoryError.unusable(path: root + "/file", reason: "it is not a directory")
      ) { try StateDirectory(root + "/file") }
    }
  }

  @Test("written files are read, up to the limit")
  func keepsFiles() throws {
    try withTemporaryDirectory { root in
      let directory = try StateDirectory(root)
      #expect(try directory.read("none", limit: 10) == nil)
      try directory.write([1, 2, 3], to: "some")
      try directory.write([4, 5, 6, 7], to: "some")
      #expect(try directory.read("some", limit: 10) == [4, 5, 6, 7])
      #expect(try directory.read("some", limit: 2) == [4, 5])
      #expect(mode(of: root + "/some") == 0o600)
    }
  }

  @Test("a node keeps its ID from one start to the next")
  func keepsIdentity() throws {
    try withTemporaryDirectory { root in
      let directory = try StateDirectory(root)
      let first = try NodeKey(in: directory)
      #expect(try NodeKey(in: directory).id == first.id)
      #expect(mode(of: root + "/" + NodeKey.fileName) == 0o600)
    }
  }

  @Test("two nodes have two IDs")
  func makesDistinctIdentities() throws {
    let ids = try (0..<2).map { _ in
      try withTemporaryDirectory { try NodeKey(in: StateDirectory($0)).id }
    }
    #expect(ids[0] != ids[1])
  }

  @Test("an invalid key file is reported and not changed", arguments: [0, 31, 33])
  func refusesDamagedKey(length: Int) throws {
    try withTemporaryDirectory { root in
      let directory = try StateDirectory(root)
      let damaged = [UInt8](repeating: 7, count: length)
      try directory.write(damaged, to: NodeKey.fileName)
      #expect(throws: StateDirectoryError.damagedIdentity(path: root + "/identity.key")) {
        try NodeKey(in: directory)
      }
      #expect(try directory.read(NodeKey.fileName, limit: 64) == damaged)
    }
  }
}
