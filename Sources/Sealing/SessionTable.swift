/// The sessions of other nodes that have been heard, as many as there is room for.
///
/// What is forgotten must not be accepted again. A session makes room when its newest counter is the
/// lowest of all, and that counter is remembered for the whole table: a session that is not known must
/// be above it (`floor`). Nothing of a forgotten session that has come is above it, so that a datagram of
/// one that is sent again is refused, at any time and whatever our clock does. It costs little: by their
/// own clocks all others were heard later, so that of the sessions that we do not know only those are
/// refused that are further behind than all that we know; and those go on as soon as their clocks have
/// passed it.
struct SessionTable {
  private var sessions: [Session] = []
  private var places: [SessionSalt: Int] = [:]
  private let capacity: Int
  /// The highest counter of all sessions that were forgotten.
  private(set) var floor: UInt64 = 0

  /// - Parameter capacity: 1 or more; a session takes 2 KiB at most, and 0.7 more for each further key that
  ///   was tried with it.
  init(capacity: Int) { self.capacity = capacity }

  var count: Int { sessions.count }

  /// Where a session is, for `subscript`, until another one is added; nil if it is not known.
  func place(of salt: SessionSalt) -> Int? { places[salt] }

  /// The session at a place.
  subscript(place: Int) -> Session {
    get { sessions[place] }
    _modify { yield &sessions[place] }
  }

  /// Adds a session that is not there. One makes room for it if need be.
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

  /// Has every session find the key that it is sealed with anew. What has come stays known.
  mutating func forgetCiphers() {
    for place in sessions.indices { sessions[place].forgetCiphers() }
  }
}

/// What is known of one session of another node.
struct Session {
  let salt: SessionSalt
  /// What has come of it.
  private(set) var window: ReplayWindow
  /// What was derived for each key of the ring, if it was.
  private var ciphers: [SessionCipher?] = []
  /// The key that opened the latest message.
  private var current = 0

  init(_ salt: SessionSalt, above floor: UInt64) {
    self.salt = salt
    window = ReplayWindow(above: floor)
  }

  var newest: UInt64 { window.newest }

  /// Opens a message, with the key that opened the one before if that does.
  ///
  /// - Parameter mayDerive: asked before each key that is tried for the first time.
  /// - Returns: whether it was opened. It has come then, and does not come again.
  mutating func open(
    _ datagram: RawSpan, _ counter: UInt64, with keyring: Keyring, into buffer: inout [UInt8],
    mayDerive: () -> Bool
  ) -> Opening {
    if ciphers.isEmpty { ciphers = Array(repeating: nil, count: keyring.keys.count) }
    for step in 0..<ciphers.count {
      // The others after it, in their order.
      let index = step == 0 ? current : step <= current ? step - 1 : step
      let cipher: SessionCipher
      if let known = ciphers[index] {
        cipher = known
      } else {
        guard mayDerive() else { return .notTried }
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

  /// What came of an attempt to open a message.
  enum Opening {
    case opened
    /// No key of the ring opens it.
    case refused
    /// Not all keys could be tried now.
    case notTried
  }

  mutating func forgetCiphers() {
    ciphers = []
    current = 0
  }
}
