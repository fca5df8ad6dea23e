/// The limits of the control socket and its messages.
package enum ControlLimits {
  /// The longest line that the daemon reads, in bytes, without the line feed.
  package static let maxLineBytes = 256 * 1024
  /// The longest line that a client reads, in bytes. It holds a page of `maxKeysPage` keys of the maximal
  /// length, each byte of which JSON may write as six (`\u0001`).
  package static let maxAnswerBytes = 8 * 1024 * 1024
  /// The default number of requests of one connection that run at the same time. A further request is not
  /// read until another has been answered.
  package static let maxRequestsInFlight = 256
  /// The group that may use the control socket of a node that root or systemd runs.
  package static let defaultGroup = "dhtd"
  /// The shortest key, in bytes.
  package static let minKeyBytes = 1
  /// The longest lifetime of a value, in seconds: 30 days.
  package static let maxTTL: Int64 = 30 * 86_400
  /// The default number of keys of a page.
  package static let defaultKeysPage: Int64 = 100
  /// The most keys of a page.
  package static let maxKeysPage: Int64 = 1_000
  /// The most addresses of one `bootstrap`.
  package static let maxBootstrapAddresses = 64
  /// The longest path of a Unix-domain socket on Linux, in bytes (`sun_path`, without its NUL).
  package static let maxSocketPathBytes = 107
}
