import Crypto
package import NodeTime

/// The rate limits: which datagrams a node accepts, and which answers it sends.
extension Node {
  /// Derives the bits that determine where sources are placed in their tables. They reveal nothing of the
  /// secret.
  static func salt(from secret: [UInt8]) -> UInt64 {
    let mac = HMAC<SHA256>.authenticationCode(
      for: Array("sources".utf8), using: SymmetricKey(data: secret))
    return mac.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).bigEndian }
  }

  /// Decides about a datagram before it is decoded. The answer to a query of this node is always admitted.
  ///
  /// - Parameters:
  ///   - bytes: the length of the datagram.
  ///   - transaction: the number of the query that it seems to answer; nil if it does not look like an
  ///     answer.
  package mutating func admit(
    _ now: Instant, bytes: Int, from source: Endpoint, answering transaction: UInt32?
  ) -> Admission {
    guard !floods.isExempt(source.address) else { return .admitted }
    if let transaction, queries.awaits(transaction, from: source) {
      floods.prove(now, source.address)
      return .admitted
    }
    let admission = floods.admit(now, bytes, from: source.address)
    switch admission {
    case .admitted: break
    case .refused: shared.counters.requestsRefused += 1
    case .ignored(.source): shared.counters.requestsOverSourceLimit += 1
    case .ignored(.all): shared.counters.requestsOverTotalLimit += 1
    }
    return admission
  }

  /// Handles a datagram that looked like an answer and was no valid message. No other datagram is admitted as
  /// an answer to the same query.
  package mutating func wasMalformed(answering transaction: UInt32) {
    queries.spoil(transaction)
  }

  /// Returns whether an answer may be sent that is not a reply to a message of `receive`, such as an error
  /// for a malformed datagram.
  package mutating func permitsAnswer(_ now: Instant, to endpoint: Endpoint) -> Bool {
    let isPermitted = floods.permitsAnswer(now, to: endpoint.address)
    if !isPermitted { shared.counters.answersWithheld += 1 }
    return isPermitted
  }

  /// Counts an answer that was sent, to a query or to a malformed datagram.
  package mutating func answered(_ now: Instant, bytes: Int, to endpoint: Endpoint) {
    floods.answered(now, bytes, to: endpoint.address)
  }
}
