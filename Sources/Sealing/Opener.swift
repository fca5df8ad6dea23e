package import NodeTime

/// Decrypts the datagrams of a private network's other nodes. It rejects all others, and every replay.
package struct Opener {
  /// 10 minutes, in microseconds: the greatest difference between this node's clock and the first datagram
  /// of a session.
  package static let maxSkew: UInt64 = 600_000_000
  /// 4,096 sessions, which take at most 8 MiB with one key. Every other node has one.
  package static let defaultMaxSessions = 4_096

  private var keyring: Keyring
  private var table: SessionTable
  private var attempts = DerivationLimiter()
  /// The numbers of datagrams so far, by outcome.
  package private(set) var counts = OpeningCounts()

  /// - Parameter maxSessions: at least 1.
  package init(_ keyring: Keyring, maxSessions: Int = Self.defaultMaxSessions) {
    self.keyring = keyring
    table = SessionTable(capacity: maxSessions)
  }

  /// The number of known sessions.
  package var sessions: Int { table.count }

  /// Decrypts with other keys from now on. Datagrams received before are still rejected as replays.
  package mutating func adopt(_ keyring: Keyring) {
    self.keyring = keyring
    table.forgetCiphers()
  }

  /// Decrypts a datagram.
  ///
  /// - Parameter buffer: receives the message in place of its content; without a message it is unchanged or
  ///   empty.
  /// - Returns: false if the datagram does not authenticate; drop it silently.
  package mutating func open(_ now: Now, _ datagram: RawSpan, into buffer: inout [UInt8]) -> Bool {
    do throws(SealFault) {
      try take(now, datagram, into: &buffer)
      counts.opened += 1
      return true
    } catch {
      counts[error] += 1
      return false
    }
  }

  private mutating func take(_ now: Now, _ datagram: RawSpan, into buffer: inout [UInt8]) throws(SealFault) {
    guard let header = SealedHeader(datagram) else { throw .notSealed }
    if let place = table.place(of: header.salt) {
      guard table[place].window.isNew(header.counter) else { throw .replayed }
      // Each key is derived once for a session, which needs no further limit.
      guard
        table[place].open(datagram, header.counter, with: keyring, into: &buffer, tryDerive: { true })
          == .opened
      else { throw .wrongKey }
      return
    }
    // The checks that need no derivation come first.
    let ours = UInt64(clamping: now.wall.microseconds)
    let (earliest, latest) = (ours - min(ours, Self.maxSkew), ours + Self.maxSkew)
    guard header.counter <= latest, header.counter > earliest else { throw .untimely }
    guard header.counter > table.floor else { throw .replayed }
    var session = Session(header.salt, above: max(table.floor, earliest))
    var attempts = attempts
    defer { self.attempts = attempts }
    switch session.open(
      datagram, header.counter, with: keyring, into: &buffer,
      tryDerive: { attempts.tryTake(at: now.monotonic) })
    {
    case .opened: table.add(session)
    case .refused: throw .wrongKey
    case .notTried: throw .tooMany
    }
  }
}

/// The reason why a datagram was dropped.
package enum SealFault: Error, Hashable, Sendable, CaseIterable {
  /// The datagram does not have the form of a sealed message: its sender has no key, or it is noise.
  case notSealed
  /// No key decrypts it: it belongs to another network, or was changed on its way.
  case wrongKey
  /// The message was received before, or is older than the session's replay window.
  case replayed
  /// Its session is unknown, and its time differs from this node's clock by more than `Opener.maxSkew`.
  case untimely
  /// Its session is unknown, and `DerivationLimiter.perSecond` sessions were tried in this second.
  case tooMany
}

/// The numbers of datagrams that a node of a private network received, by outcome.
package struct OpeningCounts: Hashable, Sendable {
  /// The datagrams that were decrypted.
  package fileprivate(set) var opened: Int64 = 0
  private var notSealed: Int64 = 0
  private var wrongKey: Int64 = 0
  private var replayed: Int64 = 0
  private var untimely: Int64 = 0
  private var tooMany: Int64 = 0

  /// The datagrams that were dropped for a reason.
  package fileprivate(set) subscript(fault: SealFault) -> Int64 {
    get {
      switch fault {
      case .notSealed: notSealed
      case .wrongKey: wrongKey
      case .replayed: replayed
      case .untimely: untimely
      case .tooMany: tooMany
      }
    }
    set {
      switch fault {
      case .notSealed: notSealed = newValue
      case .wrongKey: wrongKey = newValue
      case .replayed: replayed = newValue
      case .untimely: untimely = newValue
      case .tooMany: tooMany = newValue
      }
    }
  }

  /// All datagrams that were dropped.
  package var dropped: Int64 { SealFault.allCases.reduce(0) { $0 + self[$1] } }
}
