import Kademlia
import SeededRandom
import Simulation
import Testing

@Suite("Node IDs and distances")
struct NodeIDTests {
  private func triples() -> [(NodeID, NodeID, NodeID)] {
    var random = SplitMix64(seed: 1)
    return (0..<500).map { _ in
      (NodeID(random: &random), NodeID(random: &random), NodeID(random: &random))
    }
  }

  @Test("the distance is the XOR of all 20 bytes")
  func xorOfBytes() {
    for (a, b, _) in triples() {
      let distance = a.distance(to: b)
      let whole = NodeID(high: distance.high, middle: distance.middle, low: distance.low)
      #expect(whole.bytes == zip(a.bytes, b.bytes).map { $0 ^ $1 })
    }
  }

  @Test("the distance is symmetric, and zero only from an ID to itself")
  func symmetryAndIdentity() {
    for (a, b, _) in triples() {
      #expect(a.distance(to: b) == b.distance(to: a))
      #expect(a.distance(to: a) == .zero)
      #expect(a.distance(to: b) != .zero)
    }
  }

  @Test("the way over a third ID is never shorter: d(a,b) ^ d(b,c) = d(a,c), and XOR is at most the sum")
  func triangle() {
    for (a, b, c) in triples() {
      let ab = a.distance(to: b)
      let bc = b.distance(to: c)
      let ac = a.distance(to: c)
      // On the upper words: if they do not overflow, their sum is at least the XOR of the whole.
      let (sum, overflow) = ab.high.addingReportingOverflow(bc.high)
      #expect(overflow || sum >= ac.high)
      #expect(a.at(ab).at(bc) == c)
    }
  }

  @Test("for a target and a distance there is exactly one ID")
  func unidirectional() {
    for (a, b, c) in triples() {
      #expect(a.at(a.distance(to: b)) == b)
      #expect(a.distance(to: b) != a.distance(to: c))
    }
  }

  @Test("IDs and distances are ordered as their bytes are")
  func order() {
    for (a, b, c) in triples() {
      #expect((a < b) == a.bytes.lexicographicallyPrecedes(b.bytes))
      let near = zip(a.bytes, c.bytes).map { $0 ^ $1 }
      let far = zip(b.bytes, c.bytes).map { $0 ^ $1 }
      #expect((c.distance(to: a) < c.distance(to: b)) == near.lexicographicallyPrecedes(far))
    }
    let low = NodeID(high: 1, middle: 2, low: 3)
    #expect(low < NodeID(high: 1, middle: 2, low: 4))
    #expect(low < NodeID(high: 1, middle: 3, low: 0))
    #expect(!(low < low))
  }

  @Test("the hexadecimal text reads back as the same ID, in either case")
  func hexRoundTrip() {
    for (a, _, _) in triples() {
      #expect(a.description.count == 40)
      #expect(NodeID(hex: a.description) == a)
      #expect(NodeID(hex: a.description.uppercased()) == a)
    }
    #expect(NodeID(hex: "00000000000000000000000000000000000000ff")?.low == 255)
  }

  @Test(
    "anything but 40 hexadecimal digits is no ID",
    arguments: [
      "", "0", String(repeating: "0", count: 39), String(repeating: "0", count: 41),
      String(repeating: "0", count: 39) + "g", " " + String(repeating: "0", count: 39),
      "0x" + String(repeating: "0", count: 38), String(repeating: "é", count: 20),
    ])
  func badHex(_ text: String) {
    #expect(NodeID(hex: text) == nil)
  }

  @Test("the bucket is the number of leading bits shared, counted bit by bit")
  func bucketIndex() {
    var random = SplitMix64(seed: 2)
    let local = NodeID(random: &random)
    for index in 0..<160 {
      for _ in 0..<5 {
        let other = local.at(.random(inBucket: index, using: &random))
        let bits = zip(local.bytes, other.bytes).flatMap { pair in
          (0..<8).map { (pair.0 ^ pair.1) >> (7 - $0) & 1 }
        }
        #expect(bits.firstIndex(of: 1) == index)
        #expect(local.distance(to: other).bucketIndex == index)
      }
    }
    #expect(local.distance(to: local).bucketIndex == nil)
  }

  @Test("a random distance in a bucket is random below its first bit")
  func randomDistances() {
    var random = SplitMix64(seed: 3)
    for index in 0..<150 {
      let some = Set((0..<8).map { _ in Distance.random(inBucket: index, using: &random) })
      #expect(some.count > 1, "bucket \(index) gives one distance only")
    }
    #expect(Distance.random(inBucket: 159, using: &random) == Distance(high: 0, middle: 0, low: 1))
    #expect(Distance.random(inBucket: -5, using: &random).bucketIndex == 0)
    #expect(Distance.random(inBucket: 400, using: &random).bucketIndex == 159)
  }

  @Test(
    "SHA-1 agrees with FIPS 180",
    arguments: [
      ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
      ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
      ),
      ("hello", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
    ])
  func sha1(_ text: String, _ digest: String) {
    #expect(NodeID(sha1Of: Array(text.utf8)).description == digest)
  }
}
