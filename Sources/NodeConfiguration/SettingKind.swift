import ControlProtocol
import Glibc

/// Parses and formats the values of a setting.
struct SettingKind<Value: Sendable>: Sendable {
  /// The form of a valid value; completes "is not …".
  let form: String
  /// Parses a value; nil if it is invalid or out of range.
  let read: @Sendable (String) -> Value?
  /// Formats a value so that `read` returns the same value.
  let write: @Sendable (Value) -> String
}

extension SettingKind where Value == Int {
  static func number(_ range: ClosedRange<Int>) -> Self {
    SettingKind(
      form: "a number from \(range.lowerBound) to \(range.upperBound)",
      read: { text in decimal(text).flatMap { range.contains($0) ? $0 : nil } },
      write: { "\($0)" })
  }

  /// A number of bytes: `1000000`, `256MiB`, `1GiB`.
  static func bytes(_ range: ClosedRange<Int>) -> Self {
    SettingKind(
      form: "a size from \(sizeText(range.lowerBound)) to \(sizeText(range.upperBound)), such as 256MiB",
      read: { text in
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard let number = decimal(String(digits)),
          let unit = suffix.isEmpty ? 1 : sizeUnits.first(where: { $0.suffix == suffix })?.bytes
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        return !overflow && range.contains(bytes) ? bytes : nil
      },
      write: sizeText)
  }
}

extension SettingKind where Value == Int {
  /// The permissions of a file, in the notation of chmod(1): `0660`.
  static var mode: Self {
    SettingKind(
      form: "the permissions of a file in octal, such as 0660",
      read: { text in
        guard text.count == 4, text.hasPrefix("0"), let mode = Int(text, radix: 8) else { return nil }
        return mode
      },
      write: { mode in
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      })
  }
}

extension SettingKind where Value == Duration {
  static func time(_ range: ClosedRange<Duration>) -> Self {
    SettingKind(
      form: "a time from \(TimeSpan.exact(range.lowerBound)) to \(TimeSpan.exact(range.upperBound))",
      read: { text in TimeSpan.duration(text).flatMap { range.contains($0) ? $0 : nil } },
      write: TimeSpan.exact)
  }
}

extension SettingKind where Value == Int64 {
  /// A time in whole seconds.
  static func seconds(_ range: ClosedRange<Int64>) -> Self {
    SettingKind(
      form: "a time of whole seconds from \(TimeSpan.exact(.seconds(range.lowerBound))) to "
        + TimeSpan.exact(.seconds(range.upperBound)),
      read: { text in TimeSpan.seconds(text).flatMap { range.contains($0) ? $0 : nil } },
      write: { TimeSpan.exact(.seconds($0)) })
  }
}

extension SettingKind
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  static var word: Self {
    let words = Value.allCases.map(\.rawValue)
    return SettingKind(
      form: (words.count > 2 ? "one of " : "") + words.dropLast().joined(separator: ", ")
        + " or \(words.last ?? "")",
      read: { Value(rawValue: $0) },
      write: { $0.rawValue })
  }
}

extension SettingKind where Value == String? {
  /// An absolute path. A service has no working directory of its own.
  static func path(maxBytes: Int = Int(PATH_MAX)) -> Self {
    SettingKind(
      form: "an absolute path of at most \(maxBytes) bytes",
      read: { text in
        // The value is itself an optional, so a bare nil would be a valid value.
        guard text.hasPrefix("/"), text.utf8.count <= maxBytes, !text.utf8.contains(0) else {
          return .none
        }
        return .some(text)
      },
      write: { $0 ?? "" })
  }
}

extension SettingKind where Value == String {
  /// The name of a user group.
  static var groupName: Self {
    SettingKind(
      form: "the name of a group",
      read: { text in
        let isName =
          !text.isEmpty && text.utf8.count <= 32
          && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        return isName ? text : nil
      },
      write: { $0 })
  }

  /// A name that needs no quotes on a command line, and looks the same everywhere.
  static var networkName: Self {
    SettingKind(
      form: "a name of 1 to 64 letters, digits, dots, hyphens and underscores",
      read: { text in
        let isName = text.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
          default: false
          }
        }
        return isName && (1...64).contains(text.utf8.count) ? text : nil
      },
      write: { $0 })
  }
}

extension SettingKind where Value == HostPort {
  static var hostPort: Self {
    SettingKind(
      form: "HOST:PORT or [IPv6]:PORT, such as 192.0.2.7:8001",
      read: { try? HostPort($0) },
      write: \.description)
  }
}

extension SettingKind where Value == String? {
  /// An IP address, or none.
  static var address: Self {
    SettingKind(
      form: "an IP address such as 192.0.2.1",
      read: { text in isAddress(text) ? .some(text) : nil },
      write: { $0 ?? "" })
  }
}

extension SettingKind where Value == BindAddress {
  static var bindAddress: Self {
    SettingKind(
      form: "an IP address such as 0.0.0.0 or ::, or the word loopback",
      read: { $0 == "loopback" ? .loopback : isAddress($0) ? .address($0) : nil },
      write: { value in
        switch value {
        case .loopback: "loopback"
        case .address(let text): text
        }
      })
  }
}

/// Parses a number in plain digits. YAML would read `010` as eight and `1_0` as ten, which few people know.
private func decimal(_ text: String) -> Int? {
  guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
    text == "0" || !text.hasPrefix("0")
  else { return nil }
  return Int(text)
}

private let sizeUnits: [(suffix: String, bytes: Int)] = [
  ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
]

private func sizeText(_ bytes: Int) -> String {
  let unit = sizeUnits.last { bytes % $0.bytes == 0 && bytes > 0 }
  return unit.map { "\(bytes / $0.bytes)\($0.suffix)" } ?? "\(bytes)"
}

/// Returns whether a text is an IP address. Sockets are bound without a zone (RFC 4007).
private func isAddress(_ text: String) -> Bool {
  // Each address has the size that inet_pton(3) writes for its family.
  var v4 = in_addr()
  var v6 = in6_addr()
  return unsafe inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1
}
