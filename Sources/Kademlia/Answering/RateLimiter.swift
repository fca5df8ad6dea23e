import NodeTime

/// Decides which datagrams are read and which sources get an answer (see `FloodLimits`).
///
/// A node consults it before it decodes a datagram, so that a datagram over a limit costs next to nothing.
///
/// A source is *proven* if it has lately answered a query of ours or shown a valid write token: it receives
/// what is sent to its address. Any other address may be spoofed by somebody who wants us to flood the host
/// there, so answers to unproven addresses are limited for each network. Proven sources keep their places in
/// the table whatever strangers do, and half of the total rate is reserved for them: a flood from spoofed
/// addresses turns away strangers, but no node that this one works with.
struct RateLimiter: Sendable {
  /// A source that may send.
  private struct Source: SourceEntry {
    var requests = TokenBucket()
    var bytes = TokenBucket()
    var stores = TokenBucket()
    var provenUntil = Int64.min
    /// Refusals since the bucket of requests was last half full.
    var refusals: UInt8 = 0

    func isProven(_ now: Int64) -> Bool { provenUntil > now }

    func worth(_ now: Int64) -> Int64 {
      isProven(now) ? RateLimiter.worthOfProven &+ provenUntil / 2 : max(requests.fullAt, bytes.fullAt) / 2
    }
  }

  /// A network of unproven addresses that are answered.
  private struct Network: SourceEntry {
    var bytes = TokenBucket()

    func worth(_ now: Int64) -> Int64 { bytes.fullAt }
  }

  /// More than any bucket of an unproven source is worth.
  private static let worthOfProven = Int64.max / 2
  /// The time for which a proof counts: write tokens are valid for about as long, and contacts are asked more
  /// often.
  private static let proofTime: Int64 = 15 * 60 * 1_000_000_000
  /// The number of times that a source is told that it is over its limit before it is ignored.
  private static let mostRefusals: UInt8 = 8

  private(set) var limits: FloodLimits
  private let salt: UInt64
  private var sourceRequests: TokenBucket.Rate
  private var sourceBytes: TokenBucket.Rate
  private var sourceStores: TokenBucket.Rate
  private var allRequests: TokenBucket.Rate
  private var allBytes: TokenBucket.Rate
  private var unprovenBytes: TokenBucket.Rate
  private var sources: SourceTable<Source>
  private var networks: SourceTable<Network>
  /// The budget of all sources together.
  private var requests = TokenBucket()
  private var bytes = TokenBucket()
  /// The budget shared by strangers for whom there is no place in the table.
  private var placeless = Source()

  /// - Parameter salt: random bits, of this process alone.
  init(_ limits: FloodLimits, salt: UInt64) {
    self.limits = limits
    self.salt = salt
    sourceRequests = TokenBucket.Rate(limits.requestsPerSource)
    sourceBytes = TokenBucket.Rate(limits.bytesPerSource)
    sourceStores = TokenBucket.Rate(limits.storesPerSource)
    allRequests = TokenBucket.Rate(limits.requests)
    allBytes = TokenBucket.Rate(limits.bytes)
    unprovenBytes = TokenBucket.Rate(limits.unprovenBytes, burst: 8)
    sources = SourceTable(capacity: limits.sources, salt: salt)
    networks = SourceTable(capacity: limits.sources, salt: salt)
  }

  /// Adopts other limits. The state of the sources is kept unless the size of the table changes.
  mutating func adopt(_ new: FloodLimits) {
    guard new != limits else { return }
    var adopted = RateLimiter(new, salt: salt)
    if adopted.sources.capacity == sources.capacity {
      adopted.sources = sources
      adopted.networks = networks
    }
    self = adopted
  }

  /// The bytes that its tables take for each source.
  static var bytesPerSource: Int { SourceTable<Source>.bytesPerSource + SourceTable<Network>.bytesPerSource }

  /// Returns whether no limit applies to an address.
  func isExempt(_ address: IPAddress) -> Bool { limits.loopback == .exempt && address.isLoopback }

  // MARK: - Incoming datagrams

  /// Counts a datagram that this node did not ask for.
  mutating func admit(_ now: Instant, _ count: Int, from address: IPAddress) -> Admission {
    let now = now.nanoseconds
    guard let place = sources.place(now, of: SourceKey(address), worth: Self.worthOfProven) else {
      var source = placeless
      defer { placeless = source }
      return admit(now, count, &source)
    }
    var source = sources[place]
    defer { sources[place] = source }
    return admit(now, count, &source)
  }

  private mutating func admit(_ now: Int64, _ count: Int, _ source: inout Source) -> Admission {
    guard source.requests.take(now, 1, at: sourceRequests), source.bytes.take(now, count, at: sourceBytes)
    else { return refuse(&source, for: .source) }
    let isStranger = !source.isProven(now)
    guard requests.take(now, 1, at: allRequests, leavingHalf: isStranger),
      bytes.take(now, count, at: allBytes, leavingHalf: isStranger)
    else { return isStranger ? .ignored(.all) : refuse(&source, for: .all) }
    if source.requests.isHalfFull(now, at: sourceRequests) { source.refusals = 0 }
    return .admitted
  }

  private func refuse(_ source: inout Source, for limit: Admission.Limit) -> Admission {
    guard source.refusals < Self.mostRefusals else { return .ignored(limit) }
    source.refusals += 1
    return .refused(limit, isLast: source.refusals == Self.mostRefusals)
  }

  /// Counts a record that a source wants stored; the source has shown a valid token.
  ///
  /// - Parameter cost: the number of records that it counts as.
  /// - Returns: whether the record may be stored.
  mutating func tryStore(_ now: Instant, from address: IPAddress, _ cost: Int = 1) -> Bool {
    guard !isExempt(address) else { return true }
    let now = now.nanoseconds
    guard let place = sources.place(now, of: SourceKey(address), worth: .max) else {
      return placeless.stores.take(now, cost, at: sourceStores)
    }
    return sources[place].stores.take(now, cost, at: sourceStores)
  }

  // MARK: - Answers

  /// Notes that an address receives what is sent to it.
  mutating func prove(_ now: Instant, _ address: IPAddress) {
    guard !isExempt(address) else { return }
    let now = now.nanoseconds
    guard let place = sources.place(now, of: SourceKey(address), worth: .max) else { return }
    sources[place].provenUntil = now &+ Self.proofTime
  }

  private func isProven(_ now: Int64, _ address: IPAddress) -> Bool {
    sources.place(of: SourceKey(address)).map { sources[$0].isProven(now) } ?? false
  }

  /// Returns whether an answer may be sent to an address.
  func mayAnswer(_ now: Instant, _ address: IPAddress) -> Bool {
    guard !isExempt(address), !isProven(now.nanoseconds, address),
      let place = networks.place(of: SourceKey(networkOf: address))
    else { return true }
    return !networks[place].bytes.isEmpty(now.nanoseconds, at: unprovenBytes)
  }

  /// Returns whether an address should be asked for a proof: it is unproven, and its network has used more
  /// than half of its allowance for answers to unproven addresses.
  func wantsProof(_ now: Instant, of address: IPAddress) -> Bool {
    guard !isExempt(address), let place = networks.place(of: SourceKey(networkOf: address)),
      !networks[place].bytes.isHalfFull(now.nanoseconds, at: unprovenBytes)
    else { return false }
    return !isProven(now.nanoseconds, address)
  }

  /// Counts an answer against the limit of its network, if its address is unproven.
  ///
  /// - Parameter count: the length of the answer, in bytes. It is computed only if it counts.
  mutating func countAnswer(_ now: Instant, _ count: @autoclosure () -> Int, to address: IPAddress) {
    guard !isExempt(address), !isProven(now.nanoseconds, address) else { return }
    let now = now.nanoseconds
    guard let place = networks.place(now, of: SourceKey(networkOf: address), worth: .max) else { return }
    networks[place].bytes.spend(now, count(), at: unprovenBytes)
  }
}

/// The fate of a datagram, decided before it is decoded.
package enum Admission: Hashable, Sendable {
  /// The limit that a datagram exceeds.
  package enum Limit: Hashable, Sendable {
    /// The limit of its source.
    case source
    /// The limit of all sources together.
    case all
  }

  /// Read the datagram.
  case admitted
  /// If the datagram is a query, answer it with error 400, unless the answer would be longer than the query.
  /// Otherwise drop it.
  case refused(Limit, isLast: Bool)
  /// Drop the datagram.
  case ignored(Limit)
}
