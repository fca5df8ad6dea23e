import Kademlia
import KRPC
import NodeTime
import Sealing

/// What stands between the messages of a private network's node and its sockets.
struct NetworkSeal {
  /// The keys in use.
  private(set) var keyring: Keyring
  private var sealer: Sealer
  private var opener: Opener
  /// For salts; its own, since a copy of another would give the same numbers.
  private var random = BufferedRandom()

  init(_ keyring: Keyring, maxSessions: Int) {
    self.keyring = keyring
    sealer = Sealer(keyring, random: &self.random)
    opener = Opener(keyring, maxSessions: maxSessions)
  }

  /// What became of the datagrams that came.
  var openingCounts: OpeningCounts { opener.counts }

  /// The sessions of other nodes that are known.
  var sessions: Int { opener.sessions }

  /// Seals and opens with other keys from now on.
  mutating func adopt(_ keyring: Keyring) {
    guard keyring != self.keyring else { return }
    self.keyring = keyring
    sealer.adopt(keyring)
    opener.adopt(keyring)
  }

  /// Appends a message, sealed.
  mutating func seal(_ now: WallTime, _ message: Message, appendingTo buffer: inout [UInt8]) {
    sealer.seal(now, appendingTo: &buffer, random: &random) { KRPC.encode(message, appendingTo: &$0) }
  }

  /// Opens a datagram; see `Opener`.
  mutating func open(_ now: Now, _ datagram: RawSpan, into message: inout [UInt8]) -> Bool {
    opener.open(now, datagram, into: &message)
  }
}
