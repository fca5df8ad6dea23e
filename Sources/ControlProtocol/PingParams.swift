/// The parameters of `ping`.
package struct PingParams: Hashable, Sendable {
  /// The node to ping.
  package var address: HostPort

  /// A ping of the node at an address.
  package init(address: HostPort) { self.address = address }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("address") else { throw .missingParam("address") }
    address = try ParamReader.address(text, of: "address")
  }
}
