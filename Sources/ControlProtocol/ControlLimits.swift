/// The bounds of the control socket and of what goes through it, in one place.
package enum ControlLimits {
  /// The longest line that the daemon reads, in bytes, without the line feed.
  package static let maxLineBytes = 256 * 1024
  /// The longest line that a client reads, in bytes: a page of `maxKeysPage` keys as long as a record
  /// allows, of which JSON may write each byte with six (`\u0001`).
  package static let maxAnswerBytes = 8 * 1024 * 1024
  /// Requests of one connection that are carried out at the same time where the configuration does not say;
  /// one more is not read until another has been answered.
  package static let maxRequestsInFlight = 256
  /// The group that may use the socket of a node which root or systemd runs.
  package static let usualGroup = "dhtd"
  /// The shortest key, in bytes.
  package static let minKeyBytes = 1
  /// The longest life of a value, in seconds: 30 days.
  package static let maxTTL: Int64 = 30 * 86_400
  /// The keys of a page if the request does not say.
  package static let defaultKeysPage: Int64 = 100
  /// The most keys of a page.
  package static let maxKeysPage: Int64 = 1_000
  /// The most addresses of one `bootstrap`.
  package static let maxBootstrapAddresses = 64
  /// The longest path of a Unix-domain socket on Linux, in bytes (`sun_path`, without its NUL).
  package static let maxSocketPathBytes = 107
}
