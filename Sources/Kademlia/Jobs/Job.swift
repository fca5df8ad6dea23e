import NodeTime

/// A task that the node does of its own accord. A job is a whole machine: it receives the events of its own
/// queries, and answers with directives.
///
/// A job keeps its state to itself. It reads the shared state and changes none of it.
protocol Job: ~Copyable {
  /// The purpose of one of the job's queries; `Void` for a job with one kind of query.
  associatedtype Purpose: Sendable = Void

  /// The time at which `advance` must be called next if nothing else happens before; nil if it need not be.
  var nextDeadline: Instant? { get }

  /// Does what is due.
  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive])

  /// Handles an event of one of the job's own queries.
  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  )

  /// Handles a change of the routing table.
  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive])

  /// Handles a change of the parameters, which `shared` already has.
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
