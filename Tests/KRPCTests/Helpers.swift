import Kademlia
import Testing

@testable import KRPC

/// The ID that is these 20 characters.
func id(_ text: String) -> NodeID {
  let bytes = Array(text.utf8)
  precondition(bytes.count == NodeID.byteCount)
  return bytes.span.bytes.nodeID(at: 0)
}

func short(_ text: String) -> ShortBytes {
  ShortBytes(text.utf8) ?? ShortBytes()
}

func encoded(_ message: Message) -> [UInt8] {
  var buffer = [UInt8]()
  buffer.removeAll(keepingCapacity: true)
  KRPC.encode(message, appendingTo: &buffer)
  return buffer
}

func encodedText(_ message: Message) -> String {
  String(decoding: encoded(message), as: UTF8.self)
}

func decoded(_ datagram: [UInt8]) throws(MalformedMessage) -> Message {
  try KRPC.decode(datagram.span.bytes)
}

func decoded(_ text: String) throws(MalformedMessage) -> Message {
  try decoded(Array(text.utf8))
}

/// The body of a message that has to be a query.
func query(_ text: String) throws -> Query {
  guard case .query(let query) = try decoded(text).body else {
    Issue.record("no query: \(text)")
    throw RPCError(0, "")
  }
  return query
}

/// The body of a message that has to be an answer.
func response(_ datagram: [UInt8]) throws -> Response {
  guard case .response(let response) = try decoded(datagram).body else {
    Issue.record("no answer: \(String(decoding: datagram, as: UTF8.self))")
    throw RPCError(0, "")
  }
  return response
}

func response(_ text: String) throws -> Response {
  try response(Array(text.utf8))
}

/// The problem of a datagram that must be malformed.
func malformed(_ datagram: [UInt8]) -> MalformedMessage? {
  do throws(MalformedMessage) {
    let message = try decoded(datagram)
    Issue.record("understood as \(message)")
    return nil
  } catch {
    return error
  }
}

func malformed(_ text: String) -> MalformedMessage? {
  malformed(Array(text.utf8))
}

/// The code that a malformed datagram is answered with; nil for silence.
func code(_ malformed: MalformedMessage?) -> Int? {
  guard case .error(let error)? = malformed?.reply?.body else { return nil }
  return error.code
}

/// A query in text, with the sender's ID among the arguments: those before `id` in the alphabet, and
/// those behind it.
func queryText(_ method: String, before: String = "", _ arguments: String = "") -> String {
  "d1:ad\(before)2:id20:abcdefghij0123456789\(arguments)e1:q\(method.utf8.count):\(method)1:t2:aa1:y1:qe"
}

/// An answer in text, likewise.
func responseText(before: String = "", _ results: String = "") -> String {
  "d1:rd\(before)2:id20:0123456789abcdefghij\(results)e1:t2:aa1:y1:re"
}

/// The message with the nodes in the order in which they are written: IPv4 first. Beside a proof nothing else is.
func normalized(_ message: Message) -> Message {
  guard case .response(var response) = message.body else { return message }
  if case .proof? = response.credentials {
    response = Response(sender: response.sender, credentials: response.credentials)
  }
  response.nodes =
    response.nodes.filter { $0.endpoint.address.family == .v4 }
    + response.nodes.filter { $0.endpoint.address.family == .v6 }
  return Message(transaction: message.transaction, body: .response(response))
}
