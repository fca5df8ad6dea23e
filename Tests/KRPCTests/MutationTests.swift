import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("hostile datagrams")
struct MutationTests {
  /// Changes a datagram a little: flips bits, puts bytes of bencoding in, cuts pieces out or off,
  /// and crosses it with another.
  private static func mutate(
    _ datagram: inout [UInt8], with other: [UInt8], using source: inout SplitMix64
  ) {
    let alphabet: StaticString = "dlie0123456789:-aqrty"
    for _ in 0...source.below(3) {
      guard !datagram.isEmpty else { return }
      let place = source.below(datagram.count)
      switch source.below(8) {
      case 0, 1: datagram[place] ^= 1 << UInt8(source.below(8))
      case 2, 3:
        let byte = alphabet.withUTF8Buffer { $0[source.below($0.count)] }
        datagram[place] = byte
      case 4:
        let byte = alphabet.withUTF8Buffer { $0[source.below($0.count)] }
        datagram.insert(byte, at: place)
      case 5: datagram.removeSubrange(place..<min(datagram.count, place + 1 + source.below(4)))
      case 6: datagram.removeSubrange(place...)
      default:
        let cut = source.below(other.count)
        datagram.replaceSubrange(place..., with: other[cut...])
      }
    }
  }

  @Test("a million mutated datagrams are decoded without a trap, and valid ones survive a round trip")
  func mutations() {
    var source = SplitMix64(seed: 9)
    let corpus = (0..<256).map { _ in encoded(.random(using: &source)) }.filter { $0.count < 700 }
    var datagram = [UInt8]()
    var buffer = [UInt8]()
    var understood = 0
    var answered = 0
    for _ in 0..<1_000_000 {
      datagram.replaceSubrange(0..., with: corpus[source.below(corpus.count)])
      Self.mutate(&datagram, with: corpus[source.below(corpus.count)], using: &source)
      do throws(MalformedMessage) {
        let message = try KRPC.decode(datagram.span.bytes)
        understood += 1
        buffer.removeAll(keepingCapacity: true)
        KRPC.encode(message, appendingTo: &buffer)
        let again = try KRPC.decode(buffer.span.bytes)
        if again != message, again != normalized(message) {
          Issue.record("\(datagram) came back as \(again)")
          return
        }
      } catch {
        if error.reply != nil { answered += 1 }
      }
    }
    // Otherwise the mutations test nothing.
    #expect(understood > 50_000)
    #expect(answered > 10_000)
  }

  @Test("every prefix of every message is refused without a trap")
  func truncations() {
    var source = SplitMix64(seed: 10)
    for _ in 0..<100 {
      let datagram = encoded(.random(using: &source))
      for length in 0..<datagram.count {
        #expect(throws: MalformedMessage.self) {
          try KRPC.decode(datagram.span.bytes.extracting(first: length))
        }
      }
    }
  }

  @Test("random bytes, and random bencoding tokens, are decoded without a trap")
  func noise() {
    var source = SplitMix64(seed: 11)
    let tokens = ["d", "l", "e", "i1e", "i-0e", "1:a", "1:t", "1:y", "1:q", "1:r", "2:id", "0:", "9:", "i"]
      .map { Array($0.utf8) }
    for round in 0..<50_000 {
      var datagram: [UInt8] = [UInt8(ascii: "d")]
      for _ in 0..<source.below(20) {
        if round % 2 == 0 {
          datagram += tokens[source.below(tokens.count)]
        } else {
          datagram.append(UInt8(truncatingIfNeeded: source.next()))
        }
      }
      _ = try? KRPC.decode(datagram.span.bytes)
    }
  }
}
