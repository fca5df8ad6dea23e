import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Addresses as text")
struct AddressTextTests {
  @Test(
    "an IPv6 address is written as RFC 5952 asks",
    arguments: [
      (0, 0, "::"),
      (0, 1, "::1"),
      (0x2001_0DB8_0000_0000, 0x0000_0000_0002_0001, "2001:db8::2:1"),
      // One group of zeros is not shortened (4.2.2).
      (0x2001_0DB8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
      // The first of two equal runs is (4.2.3), and otherwise the longer one.
      (0x2001_0DB8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
      (0x2001_0000_0000_0001, 0x0000_0000_0000_0001, "2001:0:0:1::1"),
      (0xFE80_0000_0000_0000, 0, "fe80::"),
      (0x0001_0002_0003_0004, 0x0005_0006_0007_ABCD, "1:2:3:4:5:6:7:abcd"),
      (0, 0x0005_0006_0007_0008, "::5:6:7:8"),
    ] as [(UInt64, UInt64, String)])
  func rfc5952(_ high: UInt64, _ low: UInt64, _ text: String) {
    #expect(IPAddress.v6(high, low).description == text)
  }

  @Test("an endpoint is written with its port, IPv6 in brackets")
  func endpoints() {
    #expect(Endpoint(.v4(0x7F00_0001), port: 8001).description == "127.0.0.1:8001")
    #expect(Endpoint(.v4(0xFFFF_FFFF), port: 1).description == "255.255.255.255:1")
    #expect(Endpoint(.v6(0, 1), port: 8001).description == "[::1]:8001")
  }
}

@Suite("Short bytes")
struct ShortBytesTests {
  @Test("up to 32 bytes read back as they went in")
  func roundTrip() throws {
    for count in 0...32 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 255 - $0) }
      let short = try #require(ShortBytes(bytes))
      #expect((0..<short.count).map { short[$0] } == bytes)
    }
  }

  @Test("33 bytes are refused, and so is one more than fits")
  func tooMany() throws {
    #expect(ShortBytes([UInt8](repeating: 1, count: 33)) == nil)
    var full = try #require(ShortBytes([UInt8](repeating: 1, count: 32)))
    let before = full
    let hasRoom = full.append(2)
    #expect(!hasRoom)
    #expect(full == before)
  }

  @Test("trailing zeros make a difference, and an index out of range is zero")
  func zeros() throws {
    let one = try #require(ShortBytes([1]))
    let two = try #require(ShortBytes([1, 0]))
    #expect(one != two)
    #expect(one[-1] == 0)
    #expect(one[1] == 0)
    #expect(one[400] == 0)
  }

  @Test("a transaction number reads back, and only from 4 bytes", arguments: [0, 1, 0xDEAD_BEEF, .max])
  func numbers(_ number: UInt32) throws {
    let short = ShortBytes(number)
    #expect(short.number == number)
    #expect((0..<4).map { short[$0] } == (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
    #expect(try #require(ShortBytes([1, 2, 3])).number == nil)
    #expect(try #require(ShortBytes([1, 2, 3, 4, 5])).number == nil)
  }
}

@Suite("Round trips (RFC 6298)")
struct RoundTripTimeTests {
  @Test("before the first sample nothing is known")
  func empty() {
    #expect(RoundTrip().smoothed == nil)
    #expect(RoundTrip().softTimeout == nil)
  }

  @Test("the first sample is the mean, and half of it the variation")
  func first() {
    var roundTrip = RoundTrip()
    roundTrip.sample(.milliseconds(100))
    #expect(roundTrip.smoothed == .milliseconds(100))
    #expect(roundTrip.softTimeout == .milliseconds(300))
  }

  @Test("a further sample counts one eighth, its deviation one quarter")
  func further() {
    var roundTrip = RoundTrip()
    roundTrip.sample(.milliseconds(100))
    roundTrip.sample(.milliseconds(180))
    // SRTT = 100 + 80/8; RTTVAR = 50 + (80 - 50)/4.
    #expect(roundTrip.smoothed == .milliseconds(110))
    #expect(roundTrip.softTimeout == .microseconds(110_000 + 4 * 57_500))
  }

  @Test("a steady peer is soon known within a few percent")
  func steady() throws {
    var roundTrip = RoundTrip()
    for _ in 0..<60 { roundTrip.sample(.milliseconds(40)) }
    #expect(try #require(roundTrip.softTimeout) < .milliseconds(42))
  }

  @Test("neither a negative nor an enormous sample does harm")
  func extremes() {
    var roundTrip = RoundTrip()
    roundTrip.sample(.seconds(-5))
    #expect(roundTrip.smoothed == .zero)
    roundTrip.sample(.seconds(86_400 * 365))
    #expect(roundTrip.softTimeout != nil)
  }
}

@Suite("Time")
struct TimeTests {
  @Test("a duration is capped at what 64 bits of nanoseconds hold")
  func capped() {
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
    #expect((Duration.zero - .milliseconds(1500)).nanoseconds == -1_500_000_000)
  }

  @Test("wall time counts whole seconds")
  func wall() {
    #expect(WallTime(microseconds: 1_999_999).seconds == 1)
    #expect(WallTime(seconds: 5).microseconds == 5_000_000)
  }
}
