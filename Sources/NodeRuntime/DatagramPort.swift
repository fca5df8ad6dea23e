import EventLoop
import Kademlia
import KRPC
import NodeTime
import Sealing
import SystemPackage

/// The core of a node as its datagram port sees it.
protocol DatagramReceiver: AnyObject {
  /// Decides about a datagram before it is decoded; see `Node.admit`.
  func admit(_ now: Instant, bytes: Int, from source: Endpoint, answering transaction: UInt32?) -> Admission
  /// Handles a message.
  func receive(_ now: Now, _ message: Message, from source: Endpoint)
  /// Handles a datagram that was admitted as the answer to a query of this node and is not an answer.
  func handleMalformedAnswer(to transaction: UInt32)
  /// Sends an answer that does not come from the core, if the rate limits allow it.
  func tryAnswer(_ now: Instant, _ answer: Message, to endpoint: Endpoint)
  /// Handles the failure of a socket.
  func handleSocketFailure(_ error: Errno)
}

/// The path of messages between the core of a node and the network: the sockets, the seal of a private
/// network, and the codec.
///
/// The class is generic so that no datagram goes through an existential.
final class DatagramPort<Receiver: DatagramReceiver> {
  private let sockets: UDPSockets
  private let clock: NodeClock
  private let log: NodeLog
  private weak var receiver: Receiver?
  /// Encrypts and decrypts in a private network; nil in an open one.
  private var seal: NetworkSeal?
  /// A buffer for the message of a sealed datagram, kept for its capacity.
  private var spareMessage: [UInt8] = []
  private var isClosed = false
  /// The number of datagrams that were not valid messages.
  private(set) var malformedDatagrams: Int64 = 0

  init(_ sockets: UDPSockets, seal: NetworkSeal?, clock: NodeClock, log: NodeLog) {
    self.sockets = sockets
    self.seal = seal
    self.clock = clock
    self.log = log
  }

  /// Begins to read datagrams.
  ///
  /// - Parameter receiver: the receiver, which is not kept alive.
  /// - Throws: the cause, if the system cannot watch a socket.
  func open(for receiver: Receiver, on loop: EventLoop) throws(Errno) {
    self.receiver = receiver
    for socket in sockets.all {
      try socket.start(on: loop) { [unowned self] in read($0) }
    }
  }

  /// Stops sending and receiving, and frees the ports.
  func close(on loop: EventLoop) {
    isClosed = true
    for socket in sockets.all { socket.close(on: loop) }
  }

  // MARK: - The seal

  /// The keys of the private network; nil in an open one.
  var keyring: Keyring? { seal?.keyring }

  /// The numbers of datagrams that could and could not be decrypted; nil in an open network.
  var openingCounts: OpeningCounts? { seal?.openingCounts }

  /// The number of known sessions of other nodes; 0 in an open network.
  var sealedSessions: Int { seal?.sessions ?? 0 }

  /// Uses other keys from now on. An open network stays open.
  func adopt(_ keyring: Keyring) { seal?.adopt(keyring) }

  // MARK: - Receiving

  private func read(_ socket: UDPSocket) {
    guard let receiver else { return }
    do throws(Errno) {
      try socket.read { receive($0, from: $1, for: receiver) }
    } catch {
      receiver.handleSocketFailure(error)
    }
  }

  /// Handles a datagram.
  func receive(_ datagram: RawSpan, from source: Endpoint, for receiver: Receiver) {
    guard !isClosed else { return }
    let now = clock.iterationNow
    guard seal != nil else { return receiveMessage(now, datagram, from: source, for: receiver) }
    // The message is read while answers are encrypted, so that it has a buffer of its own.
    var message: [UInt8] = []
    swap(&message, &spareMessage)
    // A sender without the key must not learn that there is a node here, nor why it does not answer.
    if seal?.open(now, datagram, into: &message) == true {
      receiveMessage(now, message.span.bytes, from: source, for: receiver)
    }
    swap(&message, &spareMessage)
  }

  private func receiveMessage(
    _ now: Now, _ datagram: RawSpan, from source: Endpoint, for receiver: Receiver
  ) {
    let transaction = KRPC.answeredTransaction(in: datagram)
    let admission = receiver.admit(
      now.monotonic, bytes: datagram.byteCount, from: source, answering: transaction)
    guard case .admitted = admission else {
      return turnAway(now.monotonic, datagram, from: source, admission, for: receiver)
    }
    do throws(MalformedMessage) {
      let message = try KRPC.decode(datagram)
      log.logReceived(message, from: source)
      if let transaction, !message.answers(transaction) {
        malformedDatagrams += 1
        receiver.handleMalformedAnswer(to: transaction)
        return
      }
      receiver.receive(now, message, from: source)
    } catch {
      malformedDatagrams += 1
      if let transaction { receiver.handleMalformedAnswer(to: transaction) }
      log.logMalformed(error.reason, from: source)
      if let reply = error.reply { receiver.tryAnswer(now.monotonic, reply, to: source) }
    }
  }

  /// Handles a datagram that exceeds a rate limit.
  private func turnAway(
    _ now: Instant, _ datagram: RawSpan, from source: Endpoint, _ admission: Admission,
    for receiver: Receiver
  ) {
    switch admission {
    case .admitted, .ignored(.source): break
    case .ignored(.all): log.logOverload(now)
    case .refused(_, let isLast):
      refuse(now, datagram, from: source, for: receiver)
      if isLast { log.logCutOff(now, of: source) }
    }
  }

  /// Sends an error to the sender of a query that exceeds a rate limit, so that the sender asks another node
  /// and does not wait.
  private func refuse(_ now: Instant, _ datagram: RawSpan, from source: Endpoint, for receiver: Receiver) {
    guard let message = try? KRPC.decode(datagram), case .query = message.body else { return }
    let refusal = Message(transaction: message.transaction, body: .error(RPCError(RPCError.busy, "busy")))
    // The source address may be forged: its owner must not get more from this node than was sent here.
    guard KRPC.encodedSize(refusal) <= datagram.byteCount else { return }
    receiver.tryAnswer(now, refusal, to: source)
  }

  // MARK: - Sending

  /// Encodes a message, and encrypts it in a private network. The message is sent with the next flush, or at
  /// once if many wait.
  ///
  /// - Returns: its size in bytes; nil if there is no socket for it.
  func send(_ message: Message, to endpoint: Endpoint) -> Int? {
    // After the close, the descriptors may belong to someone else.
    guard !isClosed else { return nil }
    log.logSent(message, to: endpoint)
    let socket = endpoint.address.family == .v4 ? sockets.v4 : sockets.v6
    guard seal != nil else {
      return socket?.send(to: endpoint) { KRPC.encode(message, appendingTo: &$0) }
    }
    let now = clock.latest.wall
    return socket?.send(to: endpoint) { seal?.seal(now, message, appendingTo: &$0) }
  }

  /// Sends the waiting messages, many with one system call.
  func flush() {
    // After the close the descriptors may be somebody else's.
    guard !isClosed else { return }
    sockets.v4?.flush()
    sockets.v6?.flush()
  }

  /// The number of datagrams that the system did not accept.
  var droppedDatagrams: Int64 { sockets.all.reduce(0) { $0 + $1.droppedDatagrams } }
}

extension Message {
  /// Returns whether the message is an answer to the query with a transaction number.
  fileprivate func answers(_ number: UInt32) -> Bool {
    if case .query = body { false } else { transaction.number == number }
  }
}
