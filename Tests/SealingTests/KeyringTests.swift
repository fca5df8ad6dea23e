import Sealing
import SeededRandom
import Testing

@Suite("Keys of a network") struct KeyringTests {
  @Test("a rotation loses nothing, whichever node comes first in each step")
  func rotation() throws {
    for seed in 0..<50 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var rings = try (0..<4).map { _ in try Keyring.of(1) }
      var nodes = rings.indices.map {
        (sending: Sending(rings[$0], seed: seed * 10 + UInt64($0)), opener: Opener(rings[$0]))
      }
      func everyoneHears() {
        for from in nodes.indices {
          for to in nodes.indices {
            let datagram = nodes[from].sending.seal("\(from)")
            #expect(nodes[to].opener.open(datagram) == "\(from)")
          }
        }
      }
      let (old, new) = (NetworkKey.number(1), NetworkKey.number(2))
      everyoneHears()
      for step in 0..<3 {
        for index in rings.indices.shuffled(using: &random) {
          switch step {
          case 0: try rings[index].add(new)
          case 1: try rings[index].use(new.fingerprint)
          default: try rings[index].remove(old.fingerprint)
          }
          nodes[index].sending.sealer.adopt(rings[index])
          nodes[index].opener.adopt(rings[index])
          everyoneHears()
        }
      }
      #expect(rings.allSatisfy { $0.keys == [new] })
      // A node with only the old key is excluded.
      var outsider = Opener(try .of(1))
      #expect(outsider.open(nodes[0].sending.seal("x")) == nil)
    }
  }

  @Test("a change that would isolate a node is refused with a hint")
  func refusals() throws {
    var ring = try Keyring.of(1)
    let (first, second) = (NetworkKey.number(1), NetworkKey.number(2))
    #expect(throws: KeyringError.lastKey(first.fingerprint)) { try ring.remove(first.fingerprint) }
    #expect(throws: KeyringError.keyExists(first.fingerprint)) { try ring.add(first) }
    try ring.add(second)
    #expect(throws: KeyringError.sealingKey(first.fingerprint)) { try ring.remove(first.fingerprint) }
    #expect(throws: KeyringError.unknown([first.fingerprint, second.fingerprint])) {
      try ring.use("0123456789ab")
    }
    for number in 3...8 as ClosedRange<UInt64> { try ring.add(.number(number)) }
    #expect(throws: KeyringError.tooMany) { try ring.add(.number(9)) }
    #expect(throws: KeyringError.noKeys) { try Keyring(network: "x", keys: []) }
    try ring.use(second.fingerprint)
    #expect(ring.sealing == second && ring.keys.count == 8)
    #expect(ring.keys[1] == first)
  }

  @Test("a key survives a round trip through base64, and is shown only by its fingerprint")
  func text() throws {
    let key = NetworkKey.number(1)
    #expect(NetworkKey(base64: key.base64) == key)
    #expect(key.base64.utf8.count == 44)
    #expect(key.fingerprint.utf8.count == 12 && key.fingerprint != NetworkKey.number(2).fingerprint)
    var dumped = ""
    dump(key, to: &dumped)
    for shown in ["\(key)", String(reflecting: key), "\([key])", dumped] {
      #expect(shown.contains(key.fingerprint) && !shown.contains(key.base64.prefix(8)), "\(shown)")
    }
    for wrong in [
      "", "x", String(repeating: "A", count: 44), key.base64 + "A", String(key.base64.dropLast()),
      " " + key.base64,
    ] {
      #expect(NetworkKey(base64: wrong) == nil, "\(wrong.count) letters")
    }
  }

  @Test("a key file is read with its comments and blank lines, and a change keeps them")
  func file() throws {
    let (a, b, c) = (NetworkKey.number(1), NetworkKey.number(2), NetworkKey.number(3))
    let text = "# our keys\n\n  \(a.base64)  # of May\r\n\(b.base64)#June\n# the end"
    let file = try KeyFile(text: Array(text.utf8))
    #expect(file.keys == [a, b])
    #expect(file.holding([a, b]) == file)
    #expect(
      file.holding([b, a, c]).text
        == "# our keys\n\n\(b.base64)#June\n\(a.base64)  # of May\n# the end\n\(c.base64)\n")
    #expect(file.holding([b]).text == "# our keys\n\n\(b.base64)#June\n# the end\n")
    #expect(try KeyFile(text: Array(file.holding([b, c, a]).text.utf8)).keys == [b, c, a])
    #expect(KeyFile([a]).text == a.base64 + "\n")
    #expect(try KeyFile(text: []).keys == [])
  }

  @Test("an invalid key file is refused with its line, whose text is not repeated")
  func wrongFile() throws {
    let key = NetworkKey.number(1).base64
    for (text, line) in [("secret", 1), ("# x\n\(key)\n\(key.dropLast())\n", 3), ("\(key) \(key)", 1)] {
      #expect(throws: KeyFileError.invalidLine(line: line)) { try KeyFile(text: Array(text.utf8)) }
    }
    #expect(throws: KeyFileError.notText) { try KeyFile(text: [0xFF, 0xFE]) }
    #expect(!KeyFileError.invalidLine(line: 1).description.contains("secret"))
  }
}
