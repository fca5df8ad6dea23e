import CDatagrams
import Glibc
import Kademlia

/// Collects the datagrams that a socket is to send and lets them out many at a time.
///
/// Any node may name us an address that nobody can send to. A datagram that cannot be sent is a lost
/// datagram, and the next one goes out.
struct DatagramSender {
  /// As many wait at most.
  private static let capacity = 512

  private let descriptor: Int32
  /// The bytes of all datagrams that wait, one after the other.
  private var bytes: [UInt8] = []
  private var datagrams: [cdatagram] = []
  /// Datagrams that the system would not take: a full buffer, no route, a forbidden address.
  private(set) var dropped: Int64 = 0

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Takes a datagram; it goes out with the next flush, or at once if many wait.
  ///
  /// - Parameter write: appends what it says, in place: it is copied nowhere before the kernel does.
  mutating func add(to endpoint: Endpoint, _ write: (inout [UInt8]) -> Void) {
    let start = bytes.count
    write(&bytes)
    datagrams.append(
      cdatagram(start: start, length: bytes.count - start, endpoint: cdatagrams_endpoint(endpoint)))
    if datagrams.count >= Self.capacity { flush() }
  }

  /// Sends what waits.
  mutating func flush() {
    guard !datagrams.isEmpty else { return }
    // Those for one node follow on each other: it wakes up once for all of them.
    if datagrams.count > 2 { datagrams.sort { $0.key < $1.key } }
    dropped += Int64(send())
    bytes.removeAll(keepingCapacity: true)
    datagrams.removeAll(keepingCapacity: true)
  }

  /// Sends all that can be sent.
  ///
  /// - Returns: how many could not.
  private func send() -> Int {
    var failed = 0
    var next = 0
    while next < datagrams.count {
      let result = bytes.withUnsafeBytes { bytes in
        datagrams[next...].withUnsafeBufferPointer { rest in
          cdatagrams_send(descriptor, bytes.baseAddress, rest.baseAddress, UInt32(rest.count))
        }
      }
      switch -result {
      case ...0:
        next += Int(result)
      case EINTR:
        continue
      case EAGAIN:
        // The buffer is full, and will not be emptier for the next one. UDP may lose datagrams, and
        // queries are sent again.
        return failed + datagrams.count - next
      default:
        failed += 1
        next += 1
      }
    }
    return failed
  }
}

extension cdatagrams_endpoint {
  fileprivate init(_ endpoint: Endpoint) {
    switch endpoint.address {
    case .v4(let bits): self.init(high: 0, low: UInt64(bits), port: endpoint.port, is_v6: 0)
    case .v6(let high, let low): self.init(high: high, low: low, port: endpoint.port, is_v6: 1)
    }
  }
}

extension cdatagram {
  /// Orders by where they go, and then as they came.
  fileprivate var key: (UInt64, UInt16, Int) { (endpoint.low, endpoint.port, start) }
}
