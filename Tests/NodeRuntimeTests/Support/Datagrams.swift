import Kademlia
import KRPC

/// The message of a datagram.
func decoded(_ datagram: [UInt8]) throws(MalformedMessage) -> Message {
  try KRPC.decode(datagram.span.bytes)
}

/// Datagrams as other nodes send them.
enum Datagrams {
  /// A ping of a node that cannot be queried, so that it is not pinged back.
  static let ping = Array("d1:ad2:id20:abcdefghij0123456789e1:q4:ping2:roi1e1:t2:aa1:y1:qe".utf8)
  /// A ping without the ID of its sender.
  static let malformedQuery = Array("d1:ade1:q4:ping1:t2:aa1:y1:qe".utf8)

  /// An answer without the ID of its sender.
  static func malformedAnswer(to transaction: UInt32) -> [UInt8] {
    Array("d1:rd5:token2:xxe1:t4:".utf8) + bytes(of: transaction) + Array("1:y1:re".utf8)
  }

  /// A query that ends with the last bytes of an answer.
  static func disguisedQuery(as transaction: UInt32) -> [UInt8] {
    Array("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:q1:z15:1:t4:".utf8) + bytes(of: transaction)
      + Array("1:y1:re".utf8)
  }

  /// An answer to a ping.
  static func answer(to transaction: UInt32) -> [UInt8] {
    Array("d1:rd2:id20:abcdefghij0123456789e1:t4:".utf8) + bytes(of: transaction) + Array("1:y1:re".utf8)
  }

  private static func bytes(of transaction: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: transaction >> $0) }
  }
}
