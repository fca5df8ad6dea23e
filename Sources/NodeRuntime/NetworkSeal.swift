import Kademlia
import KRPC
import NodeTime
import Sealing

/// Encrypts and decrypts the datagrams of a private network's node.
struct NetworkSeal {
  /// The keys in use.
  private(set) var keyring: Keyring
  private var sealer: Sealer
  private var opener: Opener
  /// For salts. The seal has its own generator, because a copy of another would repeat its numbers.
  private var random = BufferedRandom()

  init(_ keyring: Keyring, maxSessions: Int) {
    self.keyring = keyring
    sealer = Sealer(keyring, random: &self.random)
    opener = Opener(keyring, maxSessions: maxSessions)
  }

  /// The numbers of received datagrams by outcome.
  var openingCounts: OpeningCounts { opener.counts }

  /// The number of known sessions of other nodes.
  var sessions: Int { opener.sessions }

  /// Encrypts and decrypts with other keys from now on.
  mutating func adopt(_ keyring: Keyring) {
    guard keyring != self.keyring else { return }
    self.keyring = keyring
    sealer.adopt(keyring)
    opener.adopt(keyring)
  }

  /// Appends an encrypted message.
  mutating func seal(_ now: WallTime, _ message: Message, appendingTo buffer: inout [UInt8]) {
    sealer.seal(now, appendingTo: &buffer, random: &random) { KRPC.encode(message, appendingTo: &$0) }
  }

  /// Decrypts a datagram; see `Opener`.
  mutating func open(_ now: Now, _ datagram: RawSpan, into message: inout [UInt8]) -> Bool {
    opener.open(now, datagram, into: &message)
  }
}
