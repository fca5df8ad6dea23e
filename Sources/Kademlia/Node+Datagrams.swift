package import NodeTime

/// A datagram that a shell has tried to decode.
package enum DecodedDatagram: Sendable {
  case message(Message)
  /// The datagram is no valid message. The reply tells its sender so; nil if there is none to send.
  case malformed(reply: Message?)
}

/// The way of a datagram into the core.
extension Node {
  /// Handles a datagram.
  ///
  /// The answer to a query of this node is always read. Any other datagram counts against the rate limits, and is
  /// read only within them.
  ///
  /// - Parameters:
  ///   - bytes: the length of the message.
  ///   - transaction: the number of the query that the message seems to answer; nil if it does not look like an
  ///     answer.
  ///   - decode: decodes the datagram. It is called once at most, and not at all for a datagram that is dropped
  ///     unread: what exceeds a limit costs next to nothing.
  /// - Returns: whether the datagram was read, for the log.
  @discardableResult
  package mutating func receive(
    _ now: Now, bytes: Int, from source: Endpoint, answering transaction: UInt32?,
    decode: () -> DecodedDatagram
  ) -> Admission {
    let admission = admit(now.monotonic, bytes: bytes, from: source, answering: transaction)
    switch admission {
    case .admitted: receive(now, decode(), from: source, answering: transaction)
    case .refused:
      shared.counters.requestsRefused += 1
      refuse(now.monotonic, decode(), bytes: bytes, from: source)
    case .ignored(.source): shared.counters.requestsOverSourceLimit += 1
    case .ignored(.all): shared.counters.requestsOverTotalLimit += 1
    }
    carryOut(now)
    return admission
  }

  private mutating func admit(
    _ now: Instant, bytes: Int, from source: Endpoint, answering transaction: UInt32?
  ) -> Admission {
    // Nothing can be sent there, and nothing that says it comes from there does.
    guard source.isAnswerable else { return .ignored(.source) }
    guard !responder.isExempt(source.address) else { return .admitted }
    if let transaction, queries.awaits(transaction, from: source) {
      responder.prove(now, source.address)
      return .admitted
    }
    return responder.admit(now, bytes: bytes, from: source.address)
  }

  private mutating func receive(
    _ now: Now, _ datagram: DecodedDatagram, from source: Endpoint, answering transaction: UInt32?
  ) {
    switch datagram {
    case .message(let message):
      if let transaction, !message.answers(transaction) { return handleMalformed(answering: transaction) }
      receive(now, message, from: source)
    case .malformed(let reply):
      handleMalformed(answering: transaction)
      if let reply { responder.trySend(now.monotonic, reply, to: source, &directives, &effects) }
    }
  }

  /// Handles a datagram that is no valid message. If it looked like an answer, no other datagram is admitted as
  /// an answer to the same query.
  private mutating func handleMalformed(answering transaction: UInt32?) {
    shared.counters.datagramsMalformed += 1
    if let transaction { queries.spoil(transaction) }
  }

  /// Sends an error to the sender of a query that exceeds a rate limit, so that the sender asks another node and
  /// does not wait.
  private mutating func refuse(
    _ now: Instant, _ datagram: DecodedDatagram, bytes: Int, from source: Endpoint
  ) {
    guard case .message(let message) = datagram, case .query = message.body else { return }
    let refusal = Message(transaction: message.transaction, body: .error(RPCError(RPCError.busy, "busy")))
    // The source address may be forged: its owner must not get more from this node than was sent here.
    guard responder.size(of: refusal) <= bytes else { return }
    responder.trySend(now, refusal, to: source, &directives, &effects)
  }

  private mutating func receive(_ now: Now, _ message: Message, from source: Endpoint) {
    switch message.body {
    case .query(let query):
      shared.counters.queriesReceived += 1
      if query.sender == id, let number = message.transaction.number,
        let endpoint = queries.endpoint(of: number)
      {
        jobs.join.handleOwnQuery(to: endpoint)
      }
      verifySender(now.monotonic, of: query, from: source)
      let isHandedOver: Bool? =
        query.asksForHandOff
        ? jobs.handOff.hasHandedOver(now.monotonic, to: Peer(id: query.sender, endpoint: source), shared)
        : nil
      responder.answer(
        now, query, message.transaction, from: source, isHandedOver: isHandedOver, shared, &directives,
        &effects)
    case .response(let response):
      receive(now, response, message.transaction, from: source)
    case .error(let error):
      receive(now, error, message.transaction, from: source)
    }
  }

  /// Has the sender of a query pinged if it may be of use: the ping shows whether it can be queried itself.
  private mutating func verifySender(_ now: Instant, of query: Query, from source: Endpoint) {
    // This node's own datagram comes back if a bootstrap list names this node. It is answered, so that the
    // node learns this, but a node is no contact of its own.
    guard query.sender != id, !query.isReadOnly, !source.isUnusable else { return }
    if let contact = shared.table.contact(query.sender) {
      if contact.isElsewhere(than: source) {
        jobs.verification.handleMove(now, of: contact, to: source, shared, &directives)
      } else {
        jobs.liveness.handleQuery(of: contact, &directives)
        jobs.verification.handleAddress(now, source, of: contact, shared, &directives)
      }
    } else {
      let isProofWanted = responder.wantsProof(now, of: source.address)
      jobs.verification.handleQuery(
        of: Peer(id: query.sender, endpoint: source), isProofWanted: isProofWanted, shared, &directives)
    }
  }
}

extension Message {
  /// Returns whether the message is an answer to the query with a transaction number.
  fileprivate func answers(_ number: UInt32) -> Bool {
    if case .query = body { false } else { transaction.number == number }
  }
}
