import Kademlia
import KRPC
import Logging
import NodeTime
import SystemPackage

/// Writes the log lines of a running node.
///
/// Messages that other nodes can cause are logged once, and then suppressed for a while.
final class NodeLog {
  /// Repeats of a message are suppressed for this long.
  static let period: Duration = .seconds(60)

  private let logger: Logger
  private var cutOffs = LogThrottle(period: NodeLog.period)
  private var overloads = LogThrottle(period: NodeLog.period)
  /// The throttle of each bound address that has left the machine, and whether its latest loss was logged.
  private var addressLosses: [Endpoint: (throttle: LogThrottle, isLogged: Bool)] = [:]
  private var storeErrors = LogThrottle(period: NodeLog.period)

  init(_ logger: Logger) {
    self.logger = logger
  }

  // MARK: - Datagrams

  func logReceived(_ message: Message, from source: Endpoint) {
    logger.trace("received a \(message.word)", metadata: .message(message, source))
  }

  func logSent(_ message: Message, to endpoint: Endpoint) {
    logger.trace("sending a \(message.word)", metadata: .message(message, endpoint))
  }

  func logMalformed(_ reason: MalformedMessage.Reason, from source: Endpoint) {
    logger.debug("malformed datagram", metadata: .fields([.peer: "\(source)", .reason: "\(reason)"]))
  }

  func logSocketError(_ error: Errno) {
    logger.error("socket error", metadata: .fields([.reason: "\(error)"]))
  }

  /// Logs that the machine no longer has an address that this node is bound to.
  func logAddressLost(_ now: Instant, _ endpoint: Endpoint) {
    var loss = addressLosses[endpoint] ?? (LogThrottle(period: Self.period), false)
    loss.isLogged = loss.throttle.tryLog(now) != nil
    addressLosses[endpoint] = loss
    guard loss.isLogged else { return }
    logger.warning(
      """
      this machine no longer has the address of \(endpoint), which this node is bound to: no other node reaches \
      it there until the address is back; to use another one, change 'bind' and restart
      """)
  }

  /// Logs that an address is back whose loss was logged.
  func logAddressBack(_ endpoint: Endpoint) {
    guard addressLosses[endpoint]?.isLogged == true else { return }
    logger.info("this machine has the address of \(endpoint) again")
  }

  /// Logs that a source keeps exceeding its rate limit and gets no more answers.
  func logCutOff(_ now: Instant, of source: Endpoint) {
    guard let suppressed = cutOffs.tryLog(now) else { return }
    let more = suppressed > 0 ? " (\(suppressed) more since the last message)" : ""
    logger.warning(
      "rate limit exceeded: ignoring this source until it slows down\(more)",
      metadata: .event(.sourceCutOff, .fields([.peer: "\(source)"])))
  }

  /// Logs that all sources together exceed the rate limit, and none of them its own.
  func logOverload(_ now: Instant) {
    guard overloads.tryLog(now) != nil else { return }
    logger.warning(
      "rate limit of all sources exceeded: dropping datagrams from unknown senders",
      metadata: .event(.overloaded))
  }

  // MARK: - The store

  func logStoreFailure(_ reason: String) {
    logger.critical(
      """
      the record store has failed: \(reason); stopping; the next start salvages what \
      it can
      """,
      metadata: .event(.storeFailed))
  }

  func logStoreFull(_ error: StoreError) {
    logger.warning(
      "records are refused: \(error); stored records stay, and other nodes take the new ones",
      metadata: .event(.storeFull))
  }

  func logStoreHasRoom() {
    logger.info("the record store has room again")
  }

  func logStoreError(_ now: Instant, _ error: StoreError) {
    guard storeErrors.tryLog(now) != nil else { return }
    logger.error("a change of the record store failed: \(error); check its disk")
  }

  func logStoreStall(of duration: Duration) {
    logger.error(
      "the disk has not finished a write for \(duration.inSeconds); nothing is stored here until it does")
  }

  func logDamagedRecord() {
    logger.error(
      """
      a record on the disk is damaged and counts as missing until another node returns it; the next \
      start checks all records
      """,
      metadata: .event(.recordDamaged))
  }

  // MARK: - The network

  func logUnresolved(_ name: NodeName) {
    logger.warning("cannot look up the bootstrap node \(name.host):\(name.port); retrying")
  }

  func log(_ notice: Notice) {
    switch notice {
    case .joined(let contacts):
      let message: Logger.Message =
        contacts > 0 ? "joined the network" : "no other node found yet; this node is alone"
      logger.info(message, metadata: .fields([.contacts: "\(contacts)"]))
    case .bootstrapUnanswered(let attempt, let pause):
      // Further failed attempts are not worth a warning.
      logger.log(
        level: attempt == 1 ? .warning : .debug, "no bootstrap address answers; retrying",
        metadata: .event(.bootstrapUnanswered, .fields([.retryAfter: "\(pause.inSeconds)"])))
    case .contactAdded(let peer):
      logger.info("new contact", metadata: .peer(peer))
    case .contactLost(let peer):
      logger.info("lost a contact", metadata: .peer(peer))
    case .unanswered(let method, let endpoint):
      logger.debug("no answer", metadata: .rpc(method, endpoint))
    case .forgedRecord(let peer):
      // A lying node can cause this message as often as it likes.
      logger.debug("a node answered with a forged record", metadata: .peer(peer))
    case .duplicateID(let endpoint):
      logger.warning(
        """
        the bootstrap node \(endpoint) has the ID of this node; if its state directory was copied from this node's, \
        remove the file identity.key from the copy and restart that node
        """)
    case .isolated:
      logger.warning(
        "lost the last contact; this node is alone until a contact returns", metadata: .event(.isolated))
    case .cutOff(let reached, let count):
      logger.warning(
        """
        reaching only \(reached) of the \(count) nodes that this node had: until most of them answer, it says \
        "unreachable" and not "not found", and its puts are weak; if the others are gone for good, run \
        'dhtctl forget --unreachable'
        """,
        metadata: .event(.cutOff, .fields([.contacts: "\(reached)"])))
    case .reachesMajority(let reached, _):
      logger.info("reaching most of the known nodes again", metadata: .fields([.contacts: "\(reached)"]))
    case .merging(let peer):
      logger.info("met another part of the network", metadata: .event(.merging, .peer(peer)))
    }
  }
}
