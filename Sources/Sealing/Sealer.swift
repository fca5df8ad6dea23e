package import NodeTime

/// Encrypts the datagrams of a node, in sessions of its own.
package struct Sealer {
  /// 1 minute, in microseconds. If the clock is further behind the counter than this, it was set back, and a
  /// new session begins. Other nodes that had forgotten the old session would reject it.
  private static let maxLead: UInt64 = 60_000_000

  private var keyring: Keyring
  private var salt: SessionSalt
  private var cipher: SessionCipher
  /// The counter of the latest message.
  private var counter: UInt64 = 0

  /// Begins a session.
  ///
  /// - Parameter random: a cryptographic generator, because no two sessions may have the same salt.
  package init(_ keyring: Keyring, random: inout some RandomNumberGenerator) {
    self.keyring = keyring
    salt = SessionSalt(random: &random)
    cipher = SessionCipher(keyring.sealing, network: keyring.network, salt: salt)
  }

  /// Encrypts with the first of other keys from now on.
  package mutating func adopt(_ keyring: Keyring) {
    self.keyring = keyring
    // The counter goes on. It must not repeat under one key, even if an old key is used again.
    cipher = SessionCipher(keyring.sealing, network: keyring.network, salt: salt)
  }

  /// Appends an encrypted message, which is `SealedEnvelope.overhead` bytes longer than the plain one.
  ///
  /// - Parameters:
  ///   - random: a cryptographic generator, for a new session if the clock was set back.
  ///   - write: appends the message, which is encrypted in place.
  package mutating func seal(
    _ now: WallTime, appendingTo buffer: inout [UInt8], random: inout some RandomNumberGenerator,
    _ write: (inout [UInt8]) -> Void
  ) {
    let time = UInt64(clamping: now.microseconds)
    if counter > time, counter - time > Self.maxLead {
      salt = SessionSalt(random: &random)
      cipher = SessionCipher(keyring.sealing, network: keyring.network, salt: salt)
      counter = 0
    }
    counter = max(time, counter + 1)
    let start = buffer.count
    buffer.append(SealedEnvelope.version)
    buffer.append(bigEndian: salt.high)
    buffer.append(bigEndian: salt.low)
    buffer.append(bigEndian: counter)
    write(&buffer)
    // If the encryption fails, an empty datagram is sent and not the plain message.
    if !cipher.seal(&buffer, from: start) { buffer.removeSubrange(start...) }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian number: UInt64) {
    // The bytes are copied before the closure returns.
    unsafe Swift.withUnsafeBytes(of: number.bigEndian) { unsafe append(contentsOf: $0) }
  }
}
