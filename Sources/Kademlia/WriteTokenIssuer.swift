import Crypto

/// Makes and checks write tokens: a node stores only for an address that has just asked it
/// something and got the answer, so that nobody writes under a false one (BEP 5, `token`).
///
/// A token is an HMAC over the IP address and the epoch. The port is left out, for a NAT may change
/// it between a `get` and a `put`. It is good for one to two epochs.
package struct WriteTokenIssuer: Sendable {
  /// A forger must guess this many bytes within two epochs.
  package static let tokenLength = 8

  private let key: SymmetricKey
  private let epochLength: Int64

  /// - Parameter secret: at least 16 random bytes, of this process alone.
  package init(secret: [UInt8], epoch: Duration) {
    self.key = SymmetricKey(data: secret)
    self.epochLength = max(1, epoch.nanoseconds)
  }

  package func issue(_ now: Instant, to address: IPAddress) -> WriteToken {
    token(for: address, epoch: epoch(at: now))
  }

  package func accepts(_ token: WriteToken, _ now: Instant, from address: IPAddress) -> Bool {
    let epoch = epoch(at: now)
    return token == self.token(for: address, epoch: epoch)
      || token == self.token(for: address, epoch: epoch &- 1)
  }

  private func epoch(at now: Instant) -> Int64 { now.nanoseconds / epochLength }

  private func token(for address: IPAddress, epoch: Int64) -> WriteToken {
    var mac = HMAC<SHA256>(key: key)
    func update(_ words: UInt64...) {
      words.withUnsafeBytes { mac.update(data: $0) }
    }
    switch address {
    case .v4(let bits): update(UInt64(bitPattern: epoch), 4, UInt64(bits))
    case .v6(let high, let low): update(UInt64(bitPattern: epoch), 6, high, low)
    }
    return mac.finalize().withUnsafeBytes { ShortBytes($0.prefix(Self.tokenLength)) ?? ShortBytes() }
  }
}
