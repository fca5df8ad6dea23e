import Crypto
package import NodeTime

/// Makes and checks write tokens: a node stores only for an address that has just queried it and
/// received the answer, so that nobody writes from a spoofed one (BEP 5, `token`).
///
/// A token is an HMAC over the IP address and the epoch. The port is left out, because a NAT may change
/// it between a `get` and a `put`. A token is valid for one to two epochs.
package struct WriteTokenIssuer: Sendable {
  /// The length of a token in bytes, which a forger must guess within two epochs.
  package static let tokenLength = 8

  /// The number of addresses whose tokens are remembered. The same few nodes ask again and again, and a MAC
  /// costs more than the rest of an answer.
  package static let remembered = 1024

  private let key: SymmetricKey
  private let epochLength: Int64
  /// The tokens made in one epoch, by address.
  private var issued: [IPAddress: WriteToken] = [:]
  private var issuedEpoch: Int64 = 0

  /// - Parameter secret: at least 16 random bytes, of this process alone.
  package init(secret: [UInt8], epoch: Duration) {
    self.key = SymmetricKey(data: secret)
    self.epochLength = max(1, epoch.nanoseconds)
  }

  /// Returns the token that an address is given now.
  package mutating func issue(_ now: Instant, to address: IPAddress) -> WriteToken {
    let epoch = epoch(at: now)
    if epoch != issuedEpoch || issued.count >= Self.remembered {
      issued.removeAll(keepingCapacity: true)
      issuedEpoch = epoch
    }
    if let token = issued[address] { return token }
    let token = token(for: address, epoch: epoch)
    issued[address] = token
    return token
  }

  /// Returns whether a token was given to this address, in this epoch or the one before.
  package mutating func accepts(
    _ token: WriteToken, _ now: Instant, from address: IPAddress
  ) -> Bool {
    token == issue(now, to: address)
      || token == self.token(for: address, epoch: epoch(at: now) &- 1)
  }

  private func epoch(at now: Instant) -> Int64 { now.nanoseconds / epochLength }

  private func token(for address: IPAddress, epoch: Int64) -> WriteToken {
    var mac = HMAC<SHA256>(key: key)
    func update(_ words: UInt64...) {
      // The closure keeps no pointer.
      unsafe words.withUnsafeBytes { unsafe mac.update(data: $0) }
    }
    switch address {
    case .v4(let bits): update(UInt64(bitPattern: epoch), 4, UInt64(bits))
    case .v6(let high, let low): update(UInt64(bitPattern: epoch), 6, high, low)
    }
    // The bytes are copied before the closure returns.
    return unsafe mac.finalize().withUnsafeBytes {
      unsafe ShortBytes($0.prefix(Self.tokenLength)) ?? ShortBytes()
    }
  }
}
