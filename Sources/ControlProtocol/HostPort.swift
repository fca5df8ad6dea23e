/// The address of a node in text form: HOST:PORT, or [IPv6]:PORT.
package struct HostPort: Hashable, Sendable {
  /// A host name, an IPv4 address, or an IPv6 address without its brackets.
  package let host: String
  /// The port, from 1 to 65535.
  package let port: UInt16

  /// Parses an address.
  /// - Throws: `HostPortError`, whose description shows a valid address.
  package init(_ text: String) throws(HostPortError) {
    // A longer text is not an address, and is not repeated in the message.
    guard text.utf8.count <= 300 else { throw HostPortError(text: String(text.prefix(32)) + "…") }
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = Self.port(bytes[(colon + 1)...])
    else { throw HostPortError(text: text) }
    let host = bytes[..<colon]
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
      let inner = host.dropFirst().dropLast()
      guard Self.isIPv6(inner) else { throw HostPortError(text: text) }
      self.host = String(decoding: inner, as: UTF8.self)
    } else {
      guard Self.isName(host) else { throw HostPortError(text: text) }
      self.host = String(decoding: host, as: UTF8.self)
    }
    self.port = port
  }

  private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return UInt16(String(decoding: digits, as: UTF8.self)).flatMap { $0 == 0 ? nil : $0 }
  }

  /// Returns whether the host is a name of letters, digits, dots, hyphens and underscores. A name in another
  /// script is written in its ASCII form (RFC 3490).
  private static func isName(_ host: ArraySlice<UInt8>) -> Bool {
    guard (1...253).contains(host.count), host.first != UInt8(ascii: "-") else { return false }
    return host.allSatisfy { isLetterOrDigit($0) || "-._".utf8.contains($0) }
  }

  /// Returns whether the host consists of the characters of an IPv6 address, with or without a zone (RFC
  /// 4007). The resolver decides.
  private static func isIPv6(_ host: ArraySlice<UInt8>) -> Bool {
    let parts = host.split(
      separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = parts.first, (2...45).contains(address.count), address.contains(UInt8(ascii: ":")),
      address.allSatisfy({ Hex.isDigit($0) || ":.".utf8.contains($0) })
    else { return false }
    guard let zone = parts.dropFirst().first else { return true }
    return (1...32).contains(zone.count) && zone.allSatisfy { isLetterOrDigit($0) || "-._".utf8.contains($0) }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}

extension HostPort: CustomStringConvertible {
  /// The address in text form, with brackets around IPv6.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A text that is not an address.
package struct HostPortError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text.
  package let text: String

  /// A line that shows a valid address.
  package var description: String {
    "'\(text)' is not an address; write HOST:PORT or [IPv6]:PORT, such as 192.0.2.7:8001"
  }
}
