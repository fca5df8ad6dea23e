import EventLoop
import Kademlia
import KRPC
import NodeTime
import Sealing
import SystemPackage

/// The core of a node as its datagram port sees it.
protocol DatagramReceiver: AnyObject {
  /// Handles a datagram; see `Node.receive`.
  func receive(
    _ now: Now, bytes: Int, from source: Endpoint, answering transaction: UInt32?,
    decode: () -> DecodedDatagram
  ) -> Admission
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
  /// The time at which to look next whether the machine still has the bound addresses.
  private var nextAddressCheck: Instant?
  /// The bound addresses that the machine had no more at the last look.
  private var lostAddresses: [Endpoint] = []

  /// The time between two looks.
  private static var addressCheckInterval: Duration { .seconds(10) }

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
      // `bytes` is unsafe only for types with padding, and `UInt8` has none.
      unsafe receiveMessage(now, message.span.bytes, from: source, for: receiver)
    }
    swap(&message, &spareMessage)
  }

  private func receiveMessage(
    _ now: Now, _ datagram: RawSpan, from source: Endpoint, for receiver: Receiver
  ) {
    let admission = receiver.receive(
      now, bytes: datagram.byteCount, from: source, answering: KRPC.answeredTransaction(in: datagram)
    ) {
      decode(datagram, from: source)
    }
    switch admission {
    case .admitted, .ignored(.source), .refused(_, isLast: false): break
    case .ignored(.all): log.logOverload(now.monotonic)
    case .refused(_, isLast: true): log.logCutOff(now.monotonic, of: source)
    }
  }

  private func decode(_ datagram: RawSpan, from source: Endpoint) -> DecodedDatagram {
    do throws(MalformedMessage) {
      let message = try KRPC.decode(datagram)
      log.logReceived(message, from: source)
      return .message(message)
    } catch {
      log.logMalformed(error.reason, from: source)
      return .malformed(reply: error.reply)
    }
  }

  // MARK: - Sending

  /// Encodes a message, and encrypts it in a private network. The message is sent with the next flush, or at
  /// once if many wait. It is dropped if there is no socket for its address family.
  func send(_ message: Message, to endpoint: Endpoint) {
    // After the close, the descriptors may belong to someone else.
    guard !isClosed else { return }
    log.logSent(message, to: endpoint)
    let socket = endpoint.address.family == .v4 ? sockets.v4 : sockets.v6
    guard seal != nil else {
      socket?.send(to: endpoint) { KRPC.encode(message, appendingTo: &$0) }
      return
    }
    let now = clock.latest.wall
    socket?.send(to: endpoint) { seal?.seal(now, message, appendingTo: &$0) }
  }

  /// Sends the waiting messages, many with one system call.
  func flush() {
    // After the close, the descriptors may belong to someone else.
    guard !isClosed else { return }
    sockets.v4?.flush()
    sockets.v6?.flush()
    checkAddresses(clock.latest.monotonic) { $0.hasAddress() }
  }

  /// Logs when an address that a socket is bound to leaves the machine, and when it is back. Meanwhile the socket
  /// stays open, but nothing reaches it.
  ///
  /// - Parameter isPresent: returns whether the machine has the address of a socket.
  func checkAddresses(_ now: Instant, isPresent: (UDPSocket) -> Bool) {
    if let nextAddressCheck, now < nextAddressCheck { return }
    nextAddressCheck = now + Self.addressCheckInterval
    for socket in sockets.all {
      let endpoint = socket.endpoint
      let wasLost = lostAddresses.contains(endpoint)
      guard isPresent(socket) == wasLost else { continue }
      if wasLost {
        lostAddresses.removeAll { $0 == endpoint }
        log.logAddressBack(endpoint)
      } else {
        lostAddresses.append(endpoint)
        log.logAddressLost(now, endpoint)
      }
    }
  }

  /// The number of datagrams that the system did not accept.
  var droppedDatagrams: Int64 { sockets.all.reduce(0) { $0 + $1.droppedDatagrams } }
}
