import NodeTime
import SeededRandom
import Testing

@testable import Sealing

@Suite("Replayed datagrams") struct ReplayTests {
  @Test(
    "of each session nothing is taken twice, and all that is overtaken by fewer than 64, in whatever order")
  func window() {
    for seed in 0..<200 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var window = ReplayWindow(above: 1_000)
      var taken: [UInt64] = []
      var next: UInt64 = 1_000
      for _ in 0..<400 {
        next += UInt64.random(in: 1...1_000, using: &random)
        let counter =
          switch Int.random(in: 0..<10, using: &random) {
          case 0..<5: next
          case 5..<7: taken.randomElement(using: &random) ?? next
          case 7: UInt64.random(in: 0...1_001, using: &random)
          default: next - min(next, UInt64.random(in: 0...40_000, using: &random))
          }
        let isNew = window.isNew(counter)
        // The outcomes that the law allows and demands, from all earlier datagrams.
        if taken.contains(counter) || counter <= 1_000 {
          #expect(!isNew)
        } else if taken.count(where: { $0 > counter }) < ReplayWindow.size {
          #expect(isNew, "seed \(seed)")
        }
        if isNew {
          window.insert(counter)
          taken.append(counter)
          #expect(!window.isNew(counter))
        }
        #expect(window.newest == taken.max() ?? 1_000)
      }
    }
  }

  @Test("a replayed datagram changes nothing, early or late, after or before others")
  func again() throws {
    var node = Sending(try .of(1))
    var opener = Opener(try .of(1))
    let datagrams = (0..<200).map { node.seal("\($0)", at: .start.after(.milliseconds($0))) }
    // The last ten overtake ten others.
    let order = Array(0..<180) + Array(190..<200) + Array(180..<190)
    for index in order { #expect(opener.open(datagrams[index]) == "\(index)") }
    for datagram in datagrams { #expect(opener.open(datagram) == nil) }
    for datagram in datagrams { #expect(opener.open(datagram, at: .start.after(.seconds(86_400))) == nil) }
    #expect(opener.counts[.replayed] == 400)
  }

  @Test("a replay is refused also after a rotation, and after a key was removed and added again")
  func rotation() throws {
    var node = Sending(try .of(1))
    var opener = Opener(try .of(1))
    let old = node.seal("old")
    #expect(opener.open(old) == "old")
    for keyring in [try Keyring.of(1, 2), try .of(2, 1), try .of(2), try .of(1)] {
      opener.adopt(keyring)
      #expect(opener.open(old) == nil)
    }
  }

  @Test("a replay of a forgotten session is refused, and the session itself can go on")
  func eviction() throws {
    var opener = Opener(try .of(1), maxSessions: 8)
    var nodes = try (0..<20).map { Sending(try .of(1), seed: UInt64(100 + $0)) }
    var all: [[UInt8]] = []
    // More sessions than there is room for, in turn, so that each is forgotten again and again.
    for round in 0..<10 {
      for index in nodes.indices {
        let now = Now.start.after(.milliseconds(round * 100 + index))
        let datagram = nodes[index].seal("\(round)", at: now)
        #expect(opener.open(datagram, at: now) == "\(round)")
        #expect(opener.sessions <= 8)
        all.append(datagram)
        for datagram in all.suffix(40) { #expect(opener.open(datagram, at: now) == nil) }
      }
    }
    // Even where our own clock is set back, so that all of it seems to be new.
    for datagram in all { #expect(opener.open(datagram, at: .start.after(.seconds(-300))) == nil) }
  }

  @Test("a session with a clock ahead is forgotten last, so that it excludes no other")
  func evictionOfOneThatIsAhead() throws {
    var opener = Opener(try .of(1), maxSessions: 4)
    var ahead = Sending(try .of(1), seed: 1)
    #expect(opener.open(ahead.seal("ahead", at: .start.after(.seconds(599)))) == "ahead")
    for number in 0..<50 {
      var node = Sending(try .of(1), seed: UInt64(number + 2))
      let now = Now.start.after(.milliseconds(number))
      #expect(opener.open(node.seal("x", at: now), at: now) == "x")
    }
  }

  @Test("an unknown session must be within 10 minutes of this node's clock, and a known one need not")
  func time() throws {
    for seconds in [-601, -600, 601, 4_000, -1_000_000] {
      var opener = Opener(try .of(1))
      var node = Sending(try .of(1))
      #expect(opener.open(node.seal("x", at: .start.after(.seconds(seconds)))) == nil)
      #expect(opener.counts[.untimely] == 1 && opener.sessions == 0)
    }
    for seconds in [-599, 0, 600] {
      var opener = Opener(try .of(1))
      var node = Sending(try .of(1))
      let theirs = Now.start.after(.seconds(seconds))
      #expect(opener.open(node.seal("x", at: theirs)) == "x")
      #expect(
        opener.open(node.seal("y", at: theirs.after(.seconds(1))), at: .start.after(.seconds(9_000))) == "y")
    }
  }

  @Test("messages from before the ten minutes are refused even after a valid one of their session")
  func heldBack() throws {
    var opener = Opener(try .of(1))
    var node = Sending(try .of(1))
    let heldBack = node.seal("held back", at: .start.after(.seconds(-700)))
    #expect(opener.open(node.seal("now")) == "now")
    #expect(opener.open(heldBack) == nil)
  }

  @Test("invented sessions cost at most 1,000 attempts a second, and known ones go on")
  func attempts() throws {
    var opener = Opener(try .of(1))
    var friend = Sending(try .of(1))
    #expect(opener.open(friend.seal("here")) == "here")
    for number in 0..<3_000 {
      var stranger = Sending(try .of(9), seed: UInt64(number + 10))
      #expect(opener.open(stranger.seal("x")) == nil)
    }
    // The friend's first datagram was one attempt.
    #expect(opener.counts[.wrongKey] == 999)
    #expect(opener.counts[.tooMany] == 2_001)
    #expect(opener.open(friend.seal("still here")) == "still here")
    var newcomer = Sending(try .of(1), seed: 5)
    #expect(opener.open(newcomer.seal("new")) == nil)
    let later = Now.start.after(.milliseconds(10))
    #expect(opener.open(newcomer.seal("new", at: later), at: later) == "new")
    #expect(opener.sessions == 2)
  }

  @Test("a forged datagram of a known session is rejected and does not harm the session")
  func forgery() throws {
    var opener = Opener(try .of(1, 2))
    var friend = Sending(try .of(1))
    #expect(opener.open(friend.seal("1")) == "1")
    for _ in 0..<5_000 {
      var forged = friend.seal("forged", at: .start.after(.seconds(5_000)))
      forged[40] ^= 1
      #expect(opener.open(forged) == nil)
    }
    var later = Sending(try .of(1))
    // The same session, as it would have gone on.
    _ = later.seal("1")
    #expect(opener.open(later.seal("2")) == "2")
  }
}
