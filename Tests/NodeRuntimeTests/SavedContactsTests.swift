import Kademlia
import NodeRuntime
import TestSupport
import Testing

@Suite("Saved contacts") struct SavedContactsTests {
  private func peer(_ number: UInt64, _ address: IPAddress, port: UInt16 = 8001) -> Peer {
    let bytes = (0..<20).map { UInt8(truncatingIfNeeded: number &* 31 &+ UInt64($0) &* 7) }
    return Peer(id: NodeID(sha1Of: bytes), endpoint: Endpoint(address, port: port))
  }

  @Test("saved contacts are read in their order")
  func roundTrip() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      #expect(try SavedContacts.read(from: state) == [])
      let contacts = [
        peer(1, .v4(0x7F00_0001)), peer(2, .v6(0, 1), port: 1),
        peer(3, .v6(0x2001_0DB8_0000_0000, 0xFFFF_FFFF_FFFF_FFFF), port: 65535),
      ]
      try SavedContacts.write(contacts, to: state)
      #expect(try SavedContacts.read(from: state) == contacts)
      try SavedContacts.write([], to: state)
      #expect(try SavedContacts.read(from: state) == [])
    }
  }

  @Test("the first contacts up to the limit are kept, however long their lines are")
  func limit() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      let contacts = (0..<200).map { peer($0, .v6(.max, .max - $0), port: 65535) }
      try SavedContacts.write(contacts, to: state)
      #expect(try SavedContacts.read(from: state) == Array(contacts.prefix(SavedContacts.limit)))
    }
  }

  @Test("invalid lines are skipped")
  func nonsense() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      let good = peer(1, .v6(0, 1))
      let lines = [
        "x", "", " ", ":", "127.0.0.1:8001", "127.0.0.1:0 \(good.id)", "127.0.0.1:65536 \(good.id)",
        "127.0.0.1 \(good.id)", "localhost:8001 \(good.id)", "127.0.0.1:8001 \("\(good.id)".dropLast())",
        "127.0.0.1:8001 \(good.id)0", "127.0.0.1:8001 \(String(repeating: "-1", count: 20))",
        "127.0.0.1:8001 \(good.id) more", "\(good.endpoint) \(good.id)", "\u{0}",
      ]
      try state.write(Array(lines.joined(separator: "\n").utf8) + [0xFF, 0xFE], to: SavedContacts.fileName)
      #expect(try SavedContacts.read(from: state) == [good])
    }
  }
}
