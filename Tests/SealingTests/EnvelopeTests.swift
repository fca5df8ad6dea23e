import Crypto
import FoundationEssentials
import Kademlia
import KRPC
import NodeTime
import Sealing
import SeededRandom
import Testing

@Suite("Sealed messages") struct EnvelopeTests {
  @Test(
    "a sealed message of any length can be opened",
    arguments: [0, 1, 15, 16, 17, 450, 1_200, 70_000])
  func roundTrip(length: Int) throws {
    var node = Sending(try .of(1))
    var other = Opener(try .of(1))
    let message = String(repeating: "m", count: length)
    let datagram = node.seal(message)
    #expect(datagram.count == length + SealedEnvelope.overhead)
    #expect(other.open(datagram) == message)
    #expect(other.counts.opened == 1 && other.counts.dropped == 0)
  }

  @Test("a message made by hand in the documented format, with another cipher interface, is opened")
  func form() throws {
    let secret = [UInt8](0..<32)
    let salt = [UInt8](100..<116)
    let counter = UInt64(WallTime.start.microseconds)
    let bytes = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: counter >> $0) }
    let header = [1] + salt + bytes
    let key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: secret), salt: salt,
      info: Array("dhtd sealed message 1 name".utf8),
      outputByteCount: 32)
    let box = try AES.GCM.seal(
      Array("hello".utf8), using: key, nonce: AES.GCM.Nonce(data: salt.suffix(4) + bytes),
      authenticating: header)
    let networkKey = try #require(NetworkKey(bytes: secret))
    var opener = Opener(try Keyring(network: "name", keys: [networkKey]))
    #expect(opener.open(header + box.ciphertext + box.tag) == "hello")
  }

  @Test("the longest message stays below the minimal MTU of IPv6")
  func datagramSize() {
    #expect(KRPC.maxDatagramSize + SealedEnvelope.overhead < 1_280)
  }

  @Test("a message with any bit changed is rejected")
  func tampering() throws {
    var node = Sending(try .of(1))
    let datagram = node.seal("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe")
    for bit in 0..<datagram.count * 8 {
      var opener = Opener(try .of(1))
      var changed = datagram
      changed[bit / 8] ^= 1 << (bit % 8)
      #expect(opener.open(changed) == nil, "bit \(bit)")
    }
    for count in 0..<datagram.count {
      var opener = Opener(try .of(1))
      #expect(opener.open(Array(datagram.prefix(count))) == nil)
      #expect(opener.open(datagram + [0]) == nil)
    }
  }

  @Test("noise of any length is dropped and counted, without a trap")
  func noise() throws {
    var random = SplitMix64(seed: 7)
    var opener = Opener(try .of(1, 2))
    for length in 0..<2_000 {
      var noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      if length > 0, length % 2 == 0 { noise[0] = 1 }
      #expect(opener.open(noise, at: .start.after(.seconds(length))) == nil)
    }
    #expect(opener.counts.dropped == 2_000 && opener.counts.opened == 0)
    #expect(opener.sessions == 0)
  }

  @Test("a plain message is rejected, and a sealed one does not contain it")
  func plain() throws {
    var node = Sending(try .of(1))
    let message = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
    var opener = Opener(try .of(1))
    #expect(opener.open(Array(message.utf8)) == nil)
    #expect(opener.counts[.notSealed] == 1)
    let datagram = node.seal(message)
    #expect(datagram.firstRange(of: Array("abcdefghij".utf8)) == nil)
    #expect(datagram.firstRange(of: Array("ping".utf8)) == nil)
  }

  @Test("networks with different names cannot read each other's messages, even with the same keys")
  func names() throws {
    var node = Sending(try .of(1, 2, network: "one"))
    var same = Opener(try .of(1, 2, network: "one"))
    for name in ["two", "on", "one ", "One", ""] {
      var other = Opener(try .of(1, 2, network: name))
      #expect(other.open(node.seal("x")) == nil)
      #expect(other.counts[.wrongKey] == 1)
    }
    #expect(same.open(node.seal("x")) == "x")
  }

  @Test("no two datagrams have the same salt and counter, though the clock stands still or is set back")
  func nonces() throws {
    var node = Sending(try .of(1))
    var seen: Set<[UInt8]> = []
    var clock = Now.start
    for step in 0..<2_000 {
      if step % 500 == 499 { clock = clock.after(.seconds(-30 * step)) }
      if step % 7 == 0 { clock = clock.after(.microseconds(3)) }
      if step % 100 == 50 { node.sealer.adopt(try .of(step % 200 == 50 ? 2 : 1)) }
      #expect(seen.insert(Array(node.seal("x", at: clock)[1..<25])).inserted)
    }
  }

  @Test("after its clock was set back by more than a minute, a node begins a session that others accept")
  func clockSetBack() throws {
    var node = Sending(try .of(1))
    var opener = Opener(try .of(1))
    #expect(opener.open(node.seal("ahead", at: .start.after(.seconds(3_600)))) == nil)
    #expect(opener.counts[.untimely] == 1)
    #expect(opener.open(node.seal("right")) == "right")
    // Less than that, and the session goes on.
    #expect(opener.open(node.seal("a little", at: .start.after(.seconds(-59)))) == "a little")
    #expect(opener.sessions == 1)
  }
}
