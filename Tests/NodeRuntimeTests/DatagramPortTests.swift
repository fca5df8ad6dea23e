import Kademlia
import Logging
import NodeTime
import Sealing
import SystemPackage
import Testing

@testable import NodeRuntime

/// The core of a node that notes what its port gives it.
private final class NotingReceiver: DatagramReceiver {
  var admission = Admission.admitted
  private(set) var answering: [UInt32?] = []
  private(set) var messages: [Message] = []
  /// The replies to malformed datagrams; nil for a datagram that gets none.
  private(set) var malformed: [RPCError?] = []

  func receive(
    _ now: Now, bytes: Int, from source: Endpoint, answering transaction: UInt32?,
    decode: () -> DecodedDatagram
  ) -> Admission {
    answering.append(transaction)
    guard admission == .admitted else { return admission }
    switch decode() {
    case .message(let message): messages.append(message)
    case .malformed(let reply):
      if case .error(let error)? = reply?.body { malformed.append(error) } else { malformed.append(nil) }
    }
    return admission
  }

  func handleSocketFailure(_ error: Errno) { Issue.record("a socket failed: \(error)") }
}

@Suite("The datagram port")
struct DatagramPortTests {
  private typealias Port = DatagramPort<NotingReceiver>

  private let captured = CapturedLog()
  private let time = VirtualTime()
  private let receiver = NotingReceiver()
  private let source = Endpoint(.v4(0xC000_0207), port: 6881)
  private let transaction: UInt32 = 0x6162_6364

  private func port(_ keyring: Keyring? = nil) throws -> Port {
    let settings = NodeSettings(id: NodeID(sha1Of: []), port: 0, binding: .addresses(["127.0.0.1"]))
    return DatagramPort(
      try UDPSockets(settings), seal: keyring.map { NetworkSeal($0, maxSessions: 16) }, clock: time.clock,
      log: NodeLog(captured.logger))
  }

  private func receive(_ datagram: [UInt8], at port: Port) {
    port.receive(datagram.span.bytes, from: source, for: receiver)
  }

  @Test("the core decodes a message, and is told which query it seems to answer")
  func message() throws {
    let port = try port()
    receive(Datagrams.ping, at: port)
    receive(Datagrams.answer(to: transaction), at: port)
    #expect(receiver.answering == [nil, transaction])
    #expect(receiver.messages.map(\.word) == ["query", "response"])
    #expect(receiver.malformed == [])
  }

  @Test("a malformed answer to a query is logged and gets no reply")
  func malformedAnswer() throws {
    let port = try port()
    receive(Datagrams.malformedAnswer(to: transaction), at: port)
    #expect(receiver.answering == [transaction])
    #expect(receiver.messages == [])
    #expect(receiver.malformed == [nil])
    let line = try #require(captured.lines.last)
    #expect(line.text == "malformed datagram")
    #expect(line.level == .debug)
    #expect(line.metadata == ["peer": "192.0.2.7:6881", "reason": "'id' is missing"])
  }

  @Test("a malformed query is answered with an error, and garbage is not answered")
  func malformedQuery() throws {
    let port = try port()
    receive(Datagrams.malformedQuery, at: port)
    #expect(receiver.malformed == [RPCError(RPCError.protocolError, "'id' is missing")])
    for garbage in [[], [0], Array("d".utf8), Array("hello".utf8)] { receive(garbage, at: port) }
    #expect(receiver.malformed.dropFirst() == [nil, nil, nil, nil])
    #expect(receiver.answering == [nil, nil, nil, nil, nil])
  }

  @Test("a datagram that the core does not read is not decoded")
  func unread() throws {
    let port = try port()
    receiver.admission = .refused(.source, isLast: false)
    for datagram in [Datagrams.ping, Datagrams.answer(to: transaction), Datagrams.malformedQuery] {
      receive(datagram, at: port)
    }
    #expect(receiver.answering == [nil, transaction, nil])
    #expect(captured.texts == [])
  }

  @Test("the last refusal of a source and an overload are logged, and ignored datagrams are not")
  func ignored() throws {
    let port = try port()
    receiver.admission = .ignored(.source)
    receive(Datagrams.ping, at: port)
    #expect(captured.texts == [])
    receiver.admission = .refused(.source, isLast: true)
    receive(Datagrams.ping, at: port)
    #expect(captured.lines.last?.metadata["message_id"] == "\(JournalEvent.sourceCutOff.rawValue)")
    receiver.admission = .ignored(.all)
    receive(Datagrams.ping, at: port)
    #expect(captured.lines.last?.metadata["message_id"] == "\(JournalEvent.overloaded.rawValue)")
    #expect(captured.texts.count == 2)
  }

  @Test("messages are sent at the flush, and only to bound address families")
  func sending() throws {
    let port = try port()
    let peer = try LoopbackSocket()
    let message = try decoded(Datagrams.ping)
    port.send(message, to: peer.endpoint)
    #expect(peer.receive() == nil)
    port.flush()
    let datagram = try #require(peer.receive())
    #expect(try decoded(datagram) == message)
    port.send(message, to: Endpoint(.v6(0, 1), port: 7))
    port.flush()
    #expect(port.droppedDatagrams == 0)
  }

  @Test("a bound address that leaves the machine is logged once, and so is its return")
  func lostAddress() throws {
    let port = try port()
    port.checkAddresses(time.instant) { _ in true }
    #expect(captured.texts == [])
    func look(after seconds: Int64, isPresent: Bool) {
      time.advance(seconds: seconds)
      port.checkAddresses(time.instant) { _ in isPresent }
    }
    // It looks no more often than every 10 seconds.
    look(after: 9, isPresent: false)
    #expect(captured.texts == [])
    for _ in 0..<3 { look(after: 10, isPresent: false) }
    #expect(captured.texts.count == 1)
    #expect(captured.lines.last?.level == .warning)
    #expect(captured.texts.last?.contains("127.0.0.1:") == true)
    look(after: 10, isPresent: true)
    look(after: 10, isPresent: true)
    #expect(captured.texts.count == 2)
    #expect(captured.texts.last?.hasSuffix(" again") == true)
    // One that comes and goes does not fill the log.
    for _ in 0..<2 {
      look(after: 10, isPresent: false)
      look(after: 10, isPresent: true)
    }
    #expect(captured.texts.count <= 4)
  }

  @Test("in a private network only a sealed message reaches the core, and only once")
  func privateNetwork() throws {
    var random = SystemRandomNumberGenerator()
    let keyring = try Keyring(network: "n", keys: [NetworkKey(random: &random)])
    let sender = try self.port(keyring)
    let port = try port(keyring)
    let peer = try LoopbackSocket()
    let message = try decoded(Datagrams.ping)
    sender.send(message, to: peer.endpoint)
    sender.flush()
    let sealed = try #require(peer.receive())
    #expect(sealed.count > Datagrams.ping.count)
    receive(Datagrams.ping, at: port)
    #expect(receiver.answering == [])
    receive(sealed, at: port)
    receive(sealed, at: port)
    #expect(receiver.messages == [message])
    let counts = try #require(port.openingCounts)
    #expect(counts.opened == 1)
    #expect(counts.dropped == 2)
  }
}
