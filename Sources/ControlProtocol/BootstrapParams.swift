/// The parameters of `bootstrap`.
package struct BootstrapParams: Hashable, Sendable {
  /// The nodes to join through, from 1 to `ControlLimits.maxBootstrapAddresses`.
  package var addresses: [HostPort]

  /// A join through the nodes at these addresses.
  package init(addresses: [HostPort]) { self.addresses = addresses }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let texts = try reader.optionalStrings("addresses") else { throw .missingParam("addresses") }
    guard (1...ControlLimits.maxBootstrapAddresses).contains(texts.count) else {
      throw .invalidParam(
        "addresses", "addresses must hold from 1 to \(ControlLimits.maxBootstrapAddresses) addresses")
    }
    var addresses: [HostPort] = []
    for text in texts { addresses.append(try ParamReader.address(text, of: "addresses")) }
    self.addresses = addresses
  }
}
