import NodeTime

/// A reason of a node's own to send queries, as a whole machine: it receives the events of its own queries,
/// and answers with directives.
///
/// A job keeps its state to itself. It reads the shared state and changes none of it.
protocol Job: ~Copyable {
  /// The purpose of one of the job's queries; `Void` for a job with one kind of query.
  associatedtype Purpose: Sendable = Void

  /// When `advance` must be called next, if nothing else happens before; nil if it need not be.
  var nextDeadline: Instant? { get }

  /// Carries on with what is due.
  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive])

  /// Something has happened to one of the job's own queries.
  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  )

  /// The routing table has changed.
  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive])

  /// There are other parameters, which `shared` has by now.
  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared)
}

extension Job where Self: ~Copyable {
  var nextDeadline: Instant? { nil }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {}

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {}

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {}

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {}
}
