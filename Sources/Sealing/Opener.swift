package import NodeTime

/// Opens what the nodes of a private network send, and nothing else, and nothing twice.
package struct Opener {
  /// 10 minutes, in microseconds: so far from our clock a session may be when it is first heard.
  package static let maxSkew: UInt64 = 600_000_000
  /// 4,096, which take 8 MiB at most with one key: each other node that is heard has one.
  package static let defaultMaxSessions = 4_096

  private var keyring: Keyring
  private var table: SessionTable
  private var attempts = DerivationLimiter()
  /// What became of the datagrams so far.
  package private(set) var counts = OpeningCounts()

  /// - Parameter maxSessions: 1 or more.
  package init(_ keyring: Keyring, maxSessions: Int = Self.defaultMaxSessions) {
    self.keyring = keyring
    table = SessionTable(capacity: maxSessions)
  }

  /// The sessions that are known.
  package var sessions: Int { table.count }

  /// Opens with other keys from now on. What has come before does not come again.
  package mutating func adopt(_ keyring: Keyring) {
    self.keyring = keyring
    table.forgetCiphers()
  }

  /// Opens a datagram.
  ///
  /// - Parameter buffer: its content makes room for the message; where there is none, it is as it was or empty.
  /// - Returns: whether there is one. What there is none in is to be dropped in silence.
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
      // Each key is derived once for a session, and then no more: it needs no other limit.
      guard
        table[place].open(datagram, header.counter, with: keyring, into: &buffer, mayDerive: { true })
          == .opened
      else { throw .wrongKey }
      return
    }
    // Before anything is derived, what can be known without it.
    let ours = UInt64(clamping: now.wall.microseconds)
    let (earliest, latest) = (ours - min(ours, Self.maxSkew), ours + Self.maxSkew)
    guard header.counter <= latest, header.counter > earliest else { throw .untimely }
    guard header.counter > table.floor else { throw .replayed }
    var session = Session(header.salt, above: max(table.floor, earliest))
    var attempts = attempts
    defer { self.attempts = attempts }
    switch session.open(
      datagram, header.counter, with: keyring, into: &buffer, mayDerive: { attempts.take(at: now.monotonic) })
    {
    case .opened: table.add(session)
    case .refused: throw .wrongKey
    case .notTried: throw .tooMany
    }
  }
}

/// Why a datagram was dropped.
package enum SealFault: Error, Hashable, Sendable, CaseIterable {
  /// It is not in the form of a sealed message: somebody who has no key at all, or noise.
  case notSealed
  /// No key of ours opens it: it is of another network, or was changed on its way.
  case wrongKey
  /// It has come before, or is older than what is known of its session.
  case replayed
  /// Its session was never heard, and its time is further from our clock than `Opener.maxSkew`.
  case untimely
  /// Its session was never heard, and `DerivationLimiter.perSecond` were tried in this second.
  case tooMany
}

/// What became of the datagrams that came to a node of a private network.
package struct OpeningCounts: Hashable, Sendable {
  /// Those that were opened.
  package fileprivate(set) var opened: Int64 = 0
  private var notSealed: Int64 = 0
  private var wrongKey: Int64 = 0
  private var replayed: Int64 = 0
  private var untimely: Int64 = 0
  private var tooMany: Int64 = 0

  /// Those that were dropped for a reason.
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

  /// Those that were dropped.
  package var dropped: Int64 { SealFault.allCases.reduce(0) { $0 + self[$1] } }
}
