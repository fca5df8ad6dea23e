import Foundation

extension LocalNetwork {
  /// A new key, as dhtd prints it, without the line feed.
  func newKey() throws -> String {
    let result = try dhtd("--generate-key")
    guard result.status == 0, let line = result.outputLines.first else {
      throw TimedOut(what: "a key", details: result.description)
    }
    return line
  }

  /// Makes a file that the node alone may read.
  /// - Returns: its path.
  @discardableResult
  func writeKeys(_ keys: String..., to name: String) throws -> String {
    try write(Array((keys.joined(separator: "\n") + "\n").utf8), to: name)
    guard chmod(path(name), 0o600) == 0 else { throw TimedOut(what: "the mode of \(name)") }
    return path(name)
  }

  /// Starts a node with these keys and waits until it is ready.
  func startPrivate(
    _ keys: String..., port: UInt16? = nil, name: String = "test", bootstrap: [String] = []
  ) throws -> DaemonProcess {
    let port = try port ?? Ports.next()
    try write(Array((keys.joined(separator: "\n") + "\n").utf8), to: "\(port).keys")
    guard chmod(path("\(port).keys"), 0o600) == 0 else { throw TimedOut(what: "the mode of a file") }
    return try launch(
      port: port, bootstrap: bootstrap, "--set", "network.keys=\(path("\(port).keys"))", "--set",
      "network.name=\(name)"
    ).waitUntilReady()
  }
}

extension DaemonProcess {
  /// The fingerprints of its keys, the encrypting key first.
  func fingerprints() throws -> [String] {
    try client().call("keyring_list")["result"]["keys"].array.compactMap { $0["fingerprint"].string }
  }

  /// A number from the sealing part of `status`.
  func sealing(_ name: String) throws -> Int64 { try status()["sealing"][name].integer ?? -1 }
}

/// Bytes from hexadecimal digits.
func bytes(hex: String) -> [UInt8] {
  let digits = Array(hex)
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
    UInt8(String(digits[$0...$0 + 1]), radix: 16)
  }
}
