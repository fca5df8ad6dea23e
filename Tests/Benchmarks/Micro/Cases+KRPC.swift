import Kademlia
import KRPC
import NodeTime
import SeededRandom
import Simulation

extension Case {
  /// Datagrams, read and written.
  static let krpc = [
    decoding("ping query", SampleMessages.ping, units: 0.31, allocations: 0),
    decoding("find_node query", SampleMessages.findNode, units: 0.35, allocations: 0),
    decoding("get query", SampleMessages.get, units: 0.35, allocations: 0),
    decoding("get answer, record and 8 nodes", SampleMessages.getAnswer, units: 1.2, allocations: 4),
    decoding("put query", SampleMessages.put, units: 0.76, allocations: 3),
    decoding("put answer", SampleMessages.putAnswer, units: 0.38, allocations: 0),
    decoding("error", SampleMessages.error, units: 0.32, allocations: 1),
    encoding("ping query", SampleMessages.ping, units: 0.054, allocations: 0),
    encoding("find_node query", SampleMessages.findNode, units: 0.062, allocations: 0),
    encoding("get query", SampleMessages.get, units: 0.065, allocations: 0),
    encoding("get answer, record and 8 nodes", SampleMessages.getAnswer, units: 0.19, allocations: 0),
    encoding("put query", SampleMessages.put, units: 0.14, allocations: 0),
    encoding("put answer", SampleMessages.putAnswer, units: 0.095, allocations: 0),
    encoding("error", SampleMessages.error, units: 0.064, allocations: 0),
  ]

  private static func decoding(
    _ what: String, _ message: Message, units: Double, allocations: Double
  ) -> Case {
    Case("KRPC: decode \(what)", units: units, allocations: allocations) {
      var bytes: [UInt8] = []
      KRPC.encode(message, appendingTo: &bytes)
      let datagram = bytes
      guard try KRPC.decode(datagram.span.bytes) == message else {
        throw NotAsExpected("the message did not come back as it was")
      }
      return { times in
        for _ in 0..<times { keep(try? KRPC.decode(datagram.span.bytes)) }
      }
    }
  }

  private static func encoding(
    _ what: String, _ message: Message, units: Double, allocations: Double
  ) -> Case {
    Case("KRPC: encode \(what)", units: units, allocations: allocations) {
      var buffer: [UInt8] = []
      return { times in
        for _ in 0..<times {
          buffer.removeAll(keepingCapacity: true)
          KRPC.encode(message, appendingTo: &buffer)
        }
        keep(buffer)
      }
    }
  }
}

/// The messages that are read and written.
enum SampleMessages {
  static let record = Record.sample(seq: WallTime.start.microseconds)

  static let ping = query(.ping)
  static let findNode = query(.findNode(target: record.target))
  static let get = query(.get(target: record.target, kind: .plain, seq: nil))
  static let put = query(.put(record, token: token, cas: nil))
  static let putAnswer = answer(Response(sender: sender, storedSeq: record.version.seq))
  static let getAnswer = answer(
    Response(sender: sender, nodes: nodes, token: token, keepsPlainRecords: true, held: .record(record)))
  static let error = message(.error(RPCError(RPCError.busy, "the store is busy")))

  private static let sender = NodeID(sha1Of: [1])
  private static let token = ShortBytes("a token!".utf8) ?? ShortBytes()
  private static let nodes: [Peer] = {
    var random = SplitMix64(seed: 1)
    return (0..<8).map { Peer.random($0, using: &random) }
  }()

  private static func query(_ method: Query.Method) -> Message {
    message(.query(Query(sender: sender, method: method)))
  }

  private static func answer(_ response: Response) -> Message { message(.response(response)) }

  private static func message(_ body: Message.Body) -> Message {
    Message(transaction: ShortBytes(0x0102_0304), body: body)
  }
}
