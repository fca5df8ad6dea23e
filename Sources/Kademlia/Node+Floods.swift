import Crypto
package import NodeTime

/// What a node takes in, and whom it answers.
extension Node {
  /// The bits that the places of sources in their tables rest on. They tell nothing of the secret.
  static func salt(from secret: [UInt8]) -> UInt64 {
    let mac = HMAC<SHA256>.authenticationCode(
      for: Array("sources".utf8), using: SymmetricKey(data: secret))
    return mac.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).bigEndian }
  }

  /// Decides about a datagram before it is decoded. What answers a query of ours is always admitted.
  ///
  /// - Parameters:
  ///   - bytes: how long it is.
  ///   - transaction: of the query that it seems to answer; nil where it does not look like an answer.
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

  /// What seemed to be an answer was no message: no other that says to answer the same query is admitted for
  /// that.
  package mutating func wasMalformed(answering transaction: UInt32) {
    queries.spoil(transaction)
  }

  /// Whether an answer may be sent that is not the answer to a message of `receive`, such as one that says
  /// that a datagram was none.
  package mutating func permitsAnswer(_ now: Instant, to endpoint: Endpoint) -> Bool {
    let isPermitted = floods.permitsAnswer(now, to: endpoint.address)
    if !isPermitted { shared.counters.answersWithheld += 1 }
    return isPermitted
  }

  /// An answer was sent, to a query or to what was none.
  package mutating func answered(_ now: Instant, bytes: Int, to endpoint: Endpoint) {
    floods.answered(now, bytes, to: endpoint.address)
  }
}
