import NodeTime

/// Decides what is looked at of all that comes in, and who gets an answer (see `FloodLimits`).
///
/// A node asks this before it decodes a datagram, so that what is over a limit costs next to nothing.
///
/// A source is *proven* when it has lately answered a query of ours or shown a good write token: it gets what
/// is sent to its address. All others may be made up by somebody who wants us to flood whoever is at that
/// address, so that their answers are limited for each network. Proven sources keep their places in the table
/// whatever strangers do, and have half of what all may send for themselves: a flood from false addresses
/// turns away strangers, and no node that this one works with.
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
  /// As long a proof counts: write tokens are good for about as long, and contacts are asked more often.
  private static let proofTime: Int64 = 15 * 60 * 1_000_000_000
  /// As often a source is told that it is over its limit before it is met with silence.
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
  /// What all sources together have left.
  private var requests = TokenBucket()
  private var bytes = TokenBucket()
  /// What strangers have left who find no place among the sources.
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

  /// Takes other limits. What is known of the sources stays, unless there is to be another number of them.
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

  /// Whether no limit counts for an address.
  func isExempt(_ address: IPAddress) -> Bool { limits.loopback == .exempt && address.isLoopback }

  // MARK: - What comes in

  /// Counts a datagram that nobody has asked for.
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

  /// Counts a record that a source wants stored; it has shown a good token.
  ///
  /// - Parameter cost: as how many it counts.
  /// - Returns: whether it may be.
  mutating func tryStore(_ now: Instant, from address: IPAddress, _ cost: Int = 1) -> Bool {
    guard !isExempt(address) else { return true }
    let now = now.nanoseconds
    guard let place = sources.place(now, of: SourceKey(address), worth: .max) else {
      return placeless.stores.take(now, cost, at: sourceStores)
    }
    return sources[place].stores.take(now, cost, at: sourceStores)
  }

  // MARK: - What goes out

  /// An address has shown that it gets what we send to it.
  mutating func prove(_ now: Instant, _ address: IPAddress) {
    guard !isExempt(address) else { return }
    let now = now.nanoseconds
    guard let place = sources.place(now, of: SourceKey(address), worth: .max) else { return }
    sources[place].provenUntil = now &+ Self.proofTime
  }

  private func isProven(_ now: Int64, _ address: IPAddress) -> Bool {
    sources.place(of: SourceKey(address)).map { sources[$0].isProven(now) } ?? false
  }

  /// Whether an address may be sent an answer.
  func mayAnswer(_ now: Instant, _ address: IPAddress) -> Bool {
    guard !isExempt(address), !isProven(now.nanoseconds, address),
      let place = networks.place(of: SourceKey(networkOf: address))
    else { return true }
    return !networks[place].bytes.isEmpty(now.nanoseconds, at: unprovenBytes)
  }

  /// Whether an address should be asked for a proof: it has none, and its network has used more than half of
  /// what it may be sent without.
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

/// What becomes of a datagram, before anybody has looked at what it says.
package enum Admission: Hashable, Sendable {
  /// Whose limit one is over.
  package enum Limit: Hashable, Sendable {
    /// That of its source.
    case source
    /// That of all together.
    case all
  }

  /// It is to be read.
  case admitted
  /// If it is a query, it is to be answered with error 400, unless that would be longer than the query; and
  /// otherwise let fall.
  case refused(Limit, isLast: Bool)
  /// It is to be let fall.
  case ignored(Limit)
}
