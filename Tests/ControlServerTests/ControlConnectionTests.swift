import ControlProtocol
import Kademlia
import Testing

@testable import ControlServer

@Suite("The connections of a control server")
struct ControlConnectionTests {
  // MARK: - Pipelining

  @Test("requests with immediate answers are answered in order, however many are sent together")
  func order() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendStatus(1...150)
      #expect(try client.receiveIDs(150) == Array(1...150))
    }
  }

  @Test("each answer has the ID of its request, in the order in which the operations end")
  func identifiers() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendGet(1, 2, 3)
      try client.sendStatus([4])
      #expect(try client.receiveID() == 4)
      for (index, rest) in [(2, ["1", "2"]), (0, ["2"]), (0, [])] {
        #expect(
          try await server.withNode { node in
            node.answer(at: index)
            return node.waiting
          } == rest)
      }
      #expect(try client.receiveIDs(3) == [3, 1, 2])
    }
  }

  @Test("a request in pieces is carried out once it is complete, and an empty line is ignored")
  func pieces() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.send("\n\r\n" + #"{"jsonrpc":"2.0","id":1,"#)
      #expect(try await server.withNode { $0.snapshots } == 0)
      try client.send(#""method":"status"}"# + "\n")
      #expect(try client.receiveID() == 1)
    }
  }

  // MARK: - Limits

  @Test("a line over the limit gets an error and ends the connection, and a line at the limit is carried out")
  func longLine() async throws {
    try await TestServer.with { server in
      let request = #"{"jsonrpc":"2.0","id":1,"method":"status"}"#
      let padding = String(repeating: " ", count: ControlLimits.maxLineBytes - request.utf8.count)
      let client = try await server.connect()
      try client.send(request + padding + "\n")
      #expect(try client.receiveID() == 1)
      try client.send(request + padding + " ")
      #expect(try client.receiveReason() == "line_too_long")
      #expect(try client.receive() == nil)
    }
  }

  @Test("a client's requests run up to its limit, and the next begins when one has ended")
  func requestsOfClient() async throws {
    try await TestServer.with({ $0.requestsPerClient = 2 }) { server in
      let client = try await server.connect()
      try client.sendGet(1, 2, 3, 4)
      #expect(try await server.withNode { $0.waiting } == ["1", "2"])
      try await server.withNode { $0.answer(at: 1) }
      #expect(try client.receiveID() == 2)
      #expect(try await server.withNode { $0.waiting } == ["1", "3"])
      // Another client has places of its own.
      let other = try await server.connect()
      try other.sendGet(5)
      #expect(try await server.withNode { $0.waiting } == ["1", "3", "5"])
    }
  }

  @Test("a request over the limit of all clients is refused as busy until another has ended")
  func requestsOfAll() async throws {
    try await TestServer.with({ $0.requests = 2 }) { server in
      let (first, second) = (try await server.connect(), try await server.connect())
      try first.sendGet(1)
      try second.sendGet(2)
      #expect(try await server.withNode { $0.waiting.count } == 2)
      try second.sendGet(3)
      #expect(try second.receiveReason() == "busy")
      try await server.withNode { $0.answer(at: 0) }
      #expect(try first.receiveID() == 1)
      try second.sendGet(4)
      #expect(try await server.withNode { $0.waiting } == ["2", "4"])
    }
  }

  @Test("a client over the limit gets an error, and is served once another has left")
  func clients() async throws {
    try await TestServer.with({ $0.clients = 2 }) { server in
      let first = try await server.connect()
      let second = try await server.connect()
      let third = try await server.connect()
      #expect(try third.receiveReason() == "busy")
      #expect(try third.receive() == nil)
      third.hangUp()
      first.hangUp()
      try await server.settle()
      let fourth = try await server.connect()
      for client in [second, fourth] {
        try client.sendStatus([1])
        #expect(try client.receiveID() == 1)
      }
    }
  }

  // MARK: - Back-pressure

  @Test("a client that does not read is paused, and loses no answer when it reads again")
  func backPressure() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      let count = 3000
      try client.sendStatus(1...count)
      let served = try await server.withNode { $0.snapshots }
      #expect(served > 100)
      #expect(served < count / 2)
      #expect(try await server.withNode { $0.snapshots } == served)
      #expect(try client.receiveIDs(count) == Array(1...count))
      #expect(try await server.withNode { $0.snapshots } == count)
    }
  }

  @Test("a client that does not read does not delay others")
  func bystander() async throws {
    try await TestServer.with { server in
      let (idle, busy) = (try await server.connect(), try await server.connect())
      try idle.sendStatus(1...3000)
      try busy.sendStatus(1...100)
      #expect(try busy.receiveIDs(100) == Array(1...100))
    }
  }

  // MARK: - Stalls

  @Test("a client that stalls in the middle of a line gets an error after 30 s")
  func stalledLine() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.send("{")
      try await server.advance(seconds: 29)
      // The line goes on, and is still not whole.
      try client.send(#""jsonrpc":"2.0","id":1,"method""#)
      try await server.advance(seconds: 2)
      #expect(try client.receiveReason() == "stalled")
      #expect(try client.receive() == nil)
    }
  }

  @Test("a client that reads no answers is disconnected after 30 s")
  func stalledReader() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendStatus(1...3000)
      try await server.advance(seconds: 29)
      #expect(try await server.withNode { $0.leftClients.isEmpty })
      try await server.advance(seconds: 2)
      #expect(try await server.withNode { $0.leftClients.count } == 1)
      #expect(try client.receiveIDs(3000).count < 1500)
    }
  }

  @Test("a client that reads slowly stays connected")
  func slowReader() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendStatus(1...3000)
      for step in 0..<3 {
        try await server.advance(seconds: 20)
        #expect(try client.receiveIDs(50) == Array(step * 50 + 1...step * 50 + 50))
      }
      try await server.advance(seconds: 20)
      #expect(try await server.withNode { $0.leftClients.isEmpty })
    }
  }

  @Test("a client that is always in the middle of a line, but completes lines, stays connected")
  func midLine() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.send("{")
      for number in 1...4 {
        try await server.advance(seconds: 20)
        try client.send(#""jsonrpc":"2.0","id":\#(number),"method":"status"}"# + "\n{")
        #expect(try client.receiveID() == number)
      }
    }
  }

  @Test("a client that waits for an answer, or is idle between lines, stays connected")
  func idle() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendGet(1)
      try await server.advance(seconds: 3600)
      try await server.withNode { $0.answer(at: 0) }
      #expect(try client.receiveID() == 1)
      try await server.advance(seconds: 3600)
      try client.sendStatus([2])
      #expect(try client.receiveID() == 2)
    }
  }

  // MARK: - Hang-ups

  @Test("when a client leaves, the node is notified and the client's requests no longer count")
  func hangUp() async throws {
    try await TestServer.with({ $0.requests = 2 }) { server in
      let client = try await server.connect()
      try client.sendGet(1, 2)
      #expect(try await server.withNode { $0.waiting.count } == 2)
      client.hangUp()
      #expect(try await server.withNode { $0.leftClients } == [ClientID(rawValue: 1)])
      let other = try await server.connect()
      try other.sendGet(3, 4)
      #expect(try await server.withNode { $0.waiting } == ["1", "2", "3", "4"])
      // Operations that end after their client has left have no answer, and are not counted twice.
      try await server.withNode { node in
        node.answer(at: 0)
        node.answer(at: 0)
      }
      try other.sendGet(5)
      #expect(try other.receiveReason() == "busy")
    }
  }

  @Test("a client that has closed its sending side still gets its answers")
  func halfClosed() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendGet(1, 2)
      // The last line needs no line feed.
      try client.send(#"{"jsonrpc":"2.0","id":3,"method":"status"}"#)
      client.endInput()
      #expect(try client.receiveID() == 3)
      for _ in 0..<2 { try await server.withNode { $0.answer(at: 0) } }
      #expect(try client.receiveIDs(2) == [1, 2])
      #expect(try client.receive() == nil)
      #expect(try await server.withNode { $0.leftClients.count } == 1)
    }
  }

  @Test("requests sent before a client left are carried out")
  func sentBeforeHangUp() async throws {
    try await TestServer.with { server in
      let client = try await server.connect()
      try client.sendGet(1, 2, 3)
      client.hangUp()
      #expect(try await server.withNode { $0.waiting } == ["1", "2", "3"])
      #expect(try await server.withNode { $0.leftClients.count } == 1)
    }
  }
}
