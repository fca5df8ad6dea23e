import Kademlia
import KRPC

/// Reads a datagram. What is understood is written, and that says the same.
func fuzzMessages(_ input: UnsafeRawBufferPointer) {
  let message: Message
  do throws(MalformedMessage) {
    message = try KRPC.decode(input.bytes)
  } catch {
    if let reply = error.reply { checkWritten(reply) }
    _ = KRPC.answeredTransaction(in: input.bytes)
    return
  }
  let written = checkWritten(message.asWritten)
  require(message.written == written, "what is left out is not what should be")
}

/// Writes a message of which nothing is left out, and reads it again.
@discardableResult
func checkWritten(_ message: Message) -> [UInt8] {
  let bytes = message.written
  let size = KRPC.encodedSize(message)
  require(bytes.count == size, "\(bytes.count) bytes, and \(size) said")
  do throws(MalformedMessage) {
    let again = try Message(read: bytes)
    require(again == message, "\(message) came back as \(again)")
  } catch {
    fatalError("\(message) did not come back: \(error.reason)")
  }
  let told = KRPC.answeredTransaction(in: bytes.span.bytes)
  switch message.body {
  case .query: require(told == nil, "a query passes for an answer")
  // Of other lengths, a transaction may end as one of ours would be written: it is then seen to be none.
  case .response, .error:
    let isOfOurs = message.transaction.count == 4
    require(!isOfOurs || told == message.transaction.number, "an answer is not told by its end")
  }
  return bytes
}

extension Message {
  /// Its canonical encoding.
  var written: [UInt8] {
    var bytes: [UInt8] = []
    KRPC.encode(self, appendingTo: &bytes)
    return bytes
  }

  /// The message without what is not written: `want` of a query that is not answered with nodes, the salt of
  /// a record in an answer, all but the proof beside one, and nodes that a datagram has no room for.
  var asWritten: Message {
    if case .query(var query) = body, !query.method.asksForNodes {
      query.want = .init()
      return Message(transaction: transaction, body: .query(query))
    }
    guard case .response(var response) = body else { return self }
    if case .proof? = response.credentials {
      response = Response(sender: response.sender, credentials: response.credentials)
    }
    if case .record(let record)? = response.held, case .signed(let authorship) = record.binding {
      let unsalted = Record.Authorship(owner: authorship.owner, salt: [], signature: authorship.signature)
      response.held = .record(
        Record(
          signed: unsalted, value: record.value, seq: record.version.seq, expiry: record.version.expiry))
    }
    let (v4, v6) = (
      response.nodes.filter { $0.endpoint.address.family == .v4 },
      response.nodes.filter { $0.endpoint.address.family == .v6 }
    )
    response.nodes = []
    let rest = KRPC.encodedSize(Message(transaction: transaction, body: .response(response)))
    let (size4, size6) = (Self.size(of: v4.count, 26, "5:nodes"), Self.size(of: v6.count, 38, "6:nodes6"))
    if rest + size4 + size6 <= KRPC.maxDatagramSize {
      response.nodes = v4 + v6
    } else if rest + size4 <= KRPC.maxDatagramSize {
      response.nodes = v4
    }
    return Message(transaction: transaction, body: .response(response))
  }

  /// The encoded size of a number of nodes, with their key.
  private static func size(of count: Int, _ bytes: Int, _ key: String) -> Int {
    count == 0 ? 0 : "\(key)\(count * bytes):".utf8.count + count * bytes
  }

  fileprivate init(read bytes: [UInt8]) throws(MalformedMessage) { self = try KRPC.decode(bytes.span.bytes) }
}
