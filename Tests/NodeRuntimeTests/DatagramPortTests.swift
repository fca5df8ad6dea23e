import Kademlia
import Logging
import NodeTime
import Sealing
import SystemPackage
import Testing

@testable import NodeRuntime

/// The core of a node that notes what its port tells it.
private final class NotingReceiver: DatagramReceiver {
  var admission = Admission.admitted
  private(set) var admitted: [UInt32?] = []
  private(set) var messages: [Message] = []
  private(set) var malformedAnswers: [UInt32] = []
  private(set) var answers: [RPCError] = []

  func admit(
    _ now: Instant, bytes: Int, from source: Endpoint, answering transaction: UInt32?
  ) -> Admission {
    admitted.append(transaction)
    return admission
  }

  func receive(_ now: Now, _ message: Message, from source: Endpoint) { messages.append(message) }

  func handleMalformedAnswer(to transaction: UInt32) { malformedAnswers.append(transaction) }

  func tryAnswer(_ now: Instant, _ answer: Message, to endpoint: Endpoint) {
    guard case .error(let error) = answer.body else {
      Issue.record("not an error: \(answer)")
      return
    }
    answers.append(error)
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

  @Test("a message reaches the core, once it is admitted")
  func message() throws {
    let port = try port()
    receive(Datagrams.ping, at: port)
    receive(Datagrams.answer(to: transaction), at: port)
    #expect(receiver.admitted == [nil, transaction])
    #expect(receiver.messages.map(\.word) == ["query", "response"])
    #expect(port.malformedDatagrams == 0)
  }

  @Test("a malformed answer to a query is counted, told to the core and not answered")
  func malformedAnswer() throws {
    let port = try port()
    receive(Datagrams.malformedAnswer(to: transaction), at: port)
    #expect(receiver.malformedAnswers == [transaction])
    #expect(receiver.messages == [])
    #expect(receiver.answers == [])
    #expect(port.malformedDatagrams == 1)
    let line = try #require(captured.lines.last)
    #expect(line.text == "malformed datagram")
    #expect(line.level == .debug)
    #expect(line.metadata == ["peer": "192.0.2.7:6881", "reason": "'id' is missing"])
  }

  @Test("a query that looks like an answer does not reach the core as a query")
  func disguisedQuery() throws {
    let port = try port()
    receive(Datagrams.disguisedQuery(as: transaction), at: port)
    #expect(receiver.admitted == [transaction])
    #expect(receiver.malformedAnswers == [transaction])
    #expect(receiver.messages == [])
    #expect(port.malformedDatagrams == 1)
  }

  @Test("a malformed query is answered with what is wrong with it, and garbage is not answered")
  func malformedQuery() throws {
    let port = try port()
    receive(Datagrams.malformedQuery, at: port)
    #expect(receiver.answers == [RPCError(RPCError.protocolError, "'id' is missing")])
    for garbage in [[], [0], Array("d".utf8), Array("hello".utf8)] { receive(garbage, at: port) }
    #expect(receiver.answers.count == 1)
    #expect(receiver.malformedAnswers == [])
    #expect(port.malformedDatagrams == 5)
  }

  @Test("a query over a limit is answered that the node is busy; an answer and garbage are dropped")
  func refusal() throws {
    let port = try port()
    receiver.admission = .refused(.source, isLast: false)
    for datagram in [Datagrams.ping, Datagrams.answer(to: transaction), Datagrams.malformedQuery] {
      receive(datagram, at: port)
    }
    #expect(receiver.answers == [RPCError(RPCError.busy, "busy")])
    #expect(receiver.messages == [])
    #expect(port.malformedDatagrams == 0)
    #expect(captured.texts == [])
  }

  @Test("the last refusal of a source is logged, and so is an overload, but not what a source is ignored for")
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
    #expect(receiver.answers.count == 1)
  }

  @Test("messages go out at the flush, and to no family that is not bound")
  func sending() throws {
    let port = try port()
    let peer = try LoopbackSocket()
    let message = try decoded(Datagrams.ping)
    let count = try #require(port.send(message, to: peer.endpoint))
    #expect(peer.receive() == nil)
    port.flush()
    let datagram = try #require(peer.receive())
    #expect(datagram.count == count)
    #expect(try decoded(datagram) == message)
    #expect(port.send(message, to: Endpoint(.v6(0, 1), port: 7)) == nil)
    #expect(port.droppedDatagrams == 0)
  }

  @Test("in a private network only a sealed message reaches the core, and only once")
  func privateNetwork() throws {
    var random = SystemRandomNumberGenerator()
    let keyring = try Keyring(network: "n", keys: [NetworkKey(random: &random)])
    let sender = try self.port(keyring)
    let port = try port(keyring)
    let peer = try LoopbackSocket()
    let message = try decoded(Datagrams.ping)
    #expect(sender.send(message, to: peer.endpoint) ?? 0 > Datagrams.ping.count)
    sender.flush()
    let sealed = try #require(peer.receive())
    receive(Datagrams.ping, at: port)
    #expect(receiver.admitted == [])
    receive(sealed, at: port)
    receive(sealed, at: port)
    #expect(receiver.messages == [message])
    let counts = try #require(port.openingCounts)
    #expect(counts.opened == 1)
    #expect(counts.dropped == 2)
  }
}
