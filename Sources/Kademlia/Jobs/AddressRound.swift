/// Addresses that are being pinged.
struct AddressRound: Sendable {
  private var waiting: [Endpoint]

  init(_ endpoints: [Endpoint]) {
    waiting = endpoints
  }

  /// True if each address has answered or been given up.
  var isSettled: Bool { waiting.isEmpty }

  /// Settles an address that has answered or been given up.
  ///
  /// - Returns: whether it was asked and not settled yet.
  @discardableResult
  mutating func settle(_ endpoint: Endpoint) -> Bool {
    guard let index = waiting.firstIndex(of: endpoint) else { return false }
    waiting.remove(at: index)
    return true
  }
}
