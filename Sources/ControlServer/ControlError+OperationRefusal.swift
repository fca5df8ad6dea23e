import ControlProtocol
import Kademlia

extension ControlError {
  init(_ refusal: OperationRefusal) {
    switch refusal {
    case .emptyKey:
      self = .invalidParam("key", "a key has at least one byte")
    case .tooLarge(let size, let limit):
      self.init(
        .tooLarge,
        "key and value have \(size) bytes together, and \(limit) is the limit; store less under one key")
    case .saltTooLarge(let size, let limit):
      self.init(
        .tooLarge,
        "the name of a signed record has \(size) bytes, and \(limit) is the limit; choose a shorter one")
    case .badSignature:
      self = .invalidParam(
        "signature", "invalid signature for this key, name, seq and value")
    case .ttlOutOfRange(let limit):
      self = .invalidParam("ttl", "ttl must be from 1 to \(limit) seconds")
    case .busy(let limit):
      self.init(
        .busy,
        "busy: \(limit) operations, queries, name lookups or store changes are already running; "
          + "try again in a moment")
    }
  }

  static func unresolved(_ addresses: [HostPort]) -> ControlError {
    let names = addresses.map(\.description).joined(separator: ", ")
    return ControlError(
      .unreachable,
      "cannot reach \(names): no such host, no address that a node can have, or one of a family that is not bound",
      reason: "unresolved")
  }
}
