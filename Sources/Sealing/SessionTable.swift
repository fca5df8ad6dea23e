/// The known sessions of other nodes, up to a limit.
///
/// A forgotten message must not be accepted again. The session whose newest counter is the lowest makes room
/// for a new one, and the table remembers that counter as its `floor`: an unknown session must be above it.
/// No message of a forgotten session is above the floor, so a replay is rejected at any time, whatever this
/// node's clock does. The cost is small. By their own clocks all other sessions were heard later, so the
/// only unknown sessions that are rejected are those further behind than every known one, and they are
/// accepted again as soon as their clocks pass the floor.
struct SessionTable {
  private var sessions: [Session] = []
  private var places: [SessionSalt: Int] = [:]
  private let capacity: Int
  /// The highest counter of all forgotten sessions.
  private(set) var floor: UInt64 = 0

  /// - Parameter capacity: at least 1; a session takes at most 2 KiB, and 0.7 KiB more for each further key
  ///   that was tried with it.
  init(capacity: Int) { self.capacity = capacity }

  var count: Int { sessions.count }

  /// The index of a session for `subscript`, valid until a session is added; nil if the session is unknown.
  func place(of salt: SessionSalt) -> Int? { places[salt] }

  /// The session at an index.
  subscript(place: Int) -> Session {
    get { sessions[place] }
    _modify { yield &sessions[place] }
  }

  /// Adds a session that is not in the table. Another one is dropped if the table is full.
  mutating func add(_ session: Session) {
    guard sessions.count >= capacity,
      let oldest = sessions.indices.min(by: { sessions[$0].newest < sessions[$1].newest })
    else {
      places[session.salt] = sessions.count
      sessions.append(session)
      return
    }
    floor = max(floor, sessions[oldest].newest)
    places[sessions[oldest].salt] = nil
    places[session.salt] = oldest
    sessions[oldest] = session
  }

  /// Drops the derived ciphers of all sessions. Their replay windows stay.
  mutating func forgetCiphers() {
    for place in sessions.indices { sessions[place].forgetCiphers() }
  }
}

/// The state of a session of another node.
struct Session {
  let salt: SessionSalt
  /// The messages received in the session.
  private(set) var window: ReplayWindow
  /// The ciphers derived so far, by key of the keyring.
  private var ciphers: [SessionCipher?] = []
  /// The index of the key that decrypted the latest message.
  private var current = 0

  init(_ salt: SessionSalt, above floor: UInt64) {
    self.salt = salt
    window = ReplayWindow(above: floor)
  }

  var newest: UInt64 { window.newest }

  /// Decrypts a message. The key of the previous message is tried first.
  ///
  /// - Parameter tryDerive: called before each key that is tried for the first time; it may spend from a
  ///   budget.
  /// - Returns: whether the message was decrypted, in which case a replay of it will be rejected.
  mutating func open(
    _ datagram: RawSpan, _ counter: UInt64, with keyring: Keyring, into buffer: inout [UInt8],
    tryDerive: () -> Bool
  ) -> Opening {
    if ciphers.isEmpty { ciphers = Array(repeating: nil, count: keyring.keys.count) }
    for step in 0..<ciphers.count {
      // The other keys follow in their order.
      let index = step == 0 ? current : step <= current ? step - 1 : step
      let cipher: SessionCipher
      if let known = ciphers[index] {
        cipher = known
      } else {
        guard tryDerive() else { return .notTried }
        cipher = SessionCipher(keyring.keys[index], network: keyring.network, salt: salt)
        ciphers[index] = cipher
      }
      if cipher.open(datagram, into: &buffer) {
        current = index
        window.insert(counter)
        return .opened
      }
    }
    return .refused
  }

  /// The result of an attempt to decrypt a message.
  enum Opening {
    case opened
    /// No key of the keyring decrypts it.
    case refused
    /// Not every key could be tried now.
    case notTried
  }

  mutating func forgetCiphers() {
    ciphers = []
    current = 0
  }
}
