import ControlProtocol

/// Measures one operation of a benchmark, carried out as often as the plan says.
///
/// It does no I/O and reads no clock: it produces requests and consumes the lines of their answers.
package struct BenchPhase {
  /// A running request. The lower bits of the ID in an answer are its index.
  private struct Slot {
    var id: UInt64
    var number: Int
    var since: ContinuousClock.Instant
  }

  private static let slotBits = 16

  /// The measurements so far.
  package private(set) var tally: BenchTally
  private let requests: BenchRequests
  private let count: Int
  private var started = 0
  private var slots: [Slot?]
  private var free: [Int]
  private var expected: [UInt8] = []

  /// A phase before its first request.
  package init(_ operation: BenchOperation, _ plan: BenchPlan) {
    tally = BenchTally(operation)
    requests = BenchRequests(operation, plan)
    count = plan.count
    let room = min(max(1, plan.inFlight), 1 << Self.slotBits)
    slots = Array(repeating: nil, count: room)
    free = Array((0..<room).reversed())
  }

  /// True if every request was answered.
  package var isOver: Bool { tally.ended >= count }

  /// Appends the next request if there is one and the limit of running requests allows it.
  /// - Returns: whether a request was appended.
  package mutating func appendNext(to line: inout [UInt8], now: ContinuousClock.Instant) -> Bool {
    guard started < count, let slot = free.popLast() else { return false }
    let id = (UInt64(started) << Self.slotBits) | UInt64(slot)
    slots[slot] = Slot(id: id, number: started, since: now)
    requests.append(started, id: id, to: &line)
    started += 1
    return true
  }

  /// Handles an answer that was read at a time.
  /// - Throws: if the answer belongs to no running request.
  package mutating func take(_ line: Span<UInt8>, now: ContinuousClock.Instant) throws(Failure) {
    guard let reply = BenchReply(line), let slot = release(reply.id) else { throw stray(line) }
    switch (tally.operation, reply.outcome) {
    case (.put, .result): tally.succeed(after: now - slot.since)
    case (.get, .result):
      expected.removeAll(keepingCapacity: true)
      requests.appendValue(of: slot.number, to: &expected)
      var isRight = reply.hasValue(expected, line)
      if !isRight { isRight = try decodedValue(line) == expected }
      if isRight {
        tally.succeed(after: now - slot.since)
      } else {
        tally.fail(
          reason: "wrong_value",
          "the value differs from the one that was put; try again with another --key-prefix")
      }
    case (.miss, .error) where reply.isError(Self.notFound, line): tally.succeed(after: now - slot.since)
    case (.miss, .result):
      tally.fail(reason: "found", "a key without a value has one; choose another --key-prefix")
    case (_, .error):
      guard case .failure(let error) = try decode(line) else { throw Self.unreadable }
      tally.fail(error)
    }
  }

  private static let notFound = UInt64(ControlErrorCode.notFound.rawValue)

  private mutating func release(_ id: UInt64?) -> Slot? {
    guard let id else { return nil }
    let index = Int(id & ((1 << UInt64(Self.slotBits)) - 1))
    guard slots.indices.contains(index), let slot = slots[index], slot.id == id else { return nil }
    slots[index] = nil
    free.append(index)
    return slot
  }

  private func decode(_ line: Span<UInt8>) throws(Failure) -> Result<ControlResult, ControlError> {
    // The bytes are copied before the closure returns.
    let bytes = unsafe line.withUnsafeBufferPointer { unsafe Array($0) }
    let method: ControlMethod = tally.operation == .put ? .put : .get
    do throws(ResponseFault) {
      return try ControlCodec.decodeResponse(bytes) { _ in method }.outcome
    } catch {
      throw Self.unreadable
    }
  }

  /// JSON has more than one form for a value.
  private func decodedValue(_ line: Span<UInt8>) throws(Failure) -> [UInt8]? {
    guard case .success(.get(let get)) = try decode(line) else { return nil }
    return get.value
  }

  /// The error for a line that is not an answer. It may be an error of the daemon about the whole
  /// connection.
  private func stray(_ line: Span<UInt8>) -> Failure {
    do throws(Failure) {
      guard case .failure(let error) = try decode(line) else { return Self.unreadable }
      return Failure(error)
    } catch {
      return error
    }
  }

  private static let unreadable = Failure(
    .failed, "dhtctl cannot read the answer of dhtd; check that both have the same version",
    reason: "protocol")
}
