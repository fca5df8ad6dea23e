import Kademlia

extension KRPC {
  /// The transaction of what looks like an answer to a query of a node of ours, from the last bytes of a
  /// datagram: a few loads, so that answers are told from a flood of other things before anything is decoded.
  ///
  /// An answer or an error that is canonical ends with `t`, `v` and `y`, of which `v` may be absent and has
  /// four bytes otherwise (BEP 5); our transactions have four. Whatever else looks like that is decoded, too,
  /// and is an answer only then.
  ///
  /// - Returns: nil for all that does not end so, answers that are not canonical among them.
  package static func answeredTransaction(in datagram: RawSpan) -> UInt32? {
    // 1:y1:re, 1:y1:ee
    let type = datagram.byteCount - 7
    guard type >= 18, datagram.byte(at: type + 6) == UInt8(ascii: "e"),
      datagram.matches("1:y1:", from: type, to: type + 5)
    else { return nil }
    switch datagram.byte(at: type + 5) {
    case UInt8(ascii: "r"), UInt8(ascii: "e"): break
    default: return nil
    }
    // 1:v4:vvvv
    let isNamed = datagram.matches("1:v4:", from: type - 9, to: type - 4)
    // 1:t4:tttt
    let transaction = isNamed ? type - 18 : type - 9
    guard datagram.matches("1:t4:", from: transaction, to: transaction + 5) else { return nil }
    return datagram.bigEndian(at: transaction + 5, as: UInt32.self)
  }
}
