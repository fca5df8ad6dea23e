import Kademlia
import NodeRuntime
import Testing

@Suite("Contacts that outlive a node") struct SavedContactsTests {
  @Test("what is saved is read again, in its order")
  func roundTrip() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      #expect(try SavedContacts.read(from: state) == [])
      let endpoints = [
        Endpoint(.v4(0x7F00_0001), port: 8001), Endpoint(.v6(0, 1), port: 8002),
        Endpoint(.v6(0x2001_0DB8_0000_0000, 0xFFFF_FFFF_FFFF_FFFF), port: 65535),
      ]
      try SavedContacts.write(endpoints, to: state)
      #expect(try SavedContacts.read(from: state) == endpoints)
      try SavedContacts.write([], to: state)
      #expect(try SavedContacts.read(from: state) == [])
    }
  }

  @Test("there is a limit, and the first are kept")
  func limit() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      let endpoints = (0..<200).map { Endpoint(.v6(.max, .max - $0), port: 65535) }
      try SavedContacts.write(endpoints, to: state)
      #expect(try SavedContacts.read(from: state) == Array(endpoints.prefix(SavedContacts.limit)))
    }
  }

  @Test("lines that are no addresses are passed over")
  func nonsense() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      let text =
        "x\n:\n127.0.0.1\n127.0.0.1:\n127.0.0.1:0\n127.0.0.1:65536\n[::1]:8001\n::1:8001\nlocalhost:1\n\u{0}"
      try state.write(Array(text.utf8) + [0xFF, 0xFE], to: SavedContacts.fileName)
      let read = try SavedContacts.read(from: state)
      #expect(read.contains(Endpoint(.v6(0, 1), port: 8001)))
      #expect(read.count <= 2)
    }
  }
}
