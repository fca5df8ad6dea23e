import CDatagrams
import Glibc
import Kademlia

/// Collects the datagrams of a socket and sends many with one system call.
///
/// Any node may report an address that cannot be reached. A datagram that cannot be sent is dropped, and the
/// next one is sent.
struct DatagramSender {
  /// The most datagrams queued before a flush.
  private static let capacity = 512

  private let descriptor: Int32
  /// The bytes of all queued datagrams, one after the other.
  private var bytes: [UInt8] = []
  private var datagrams: [cdatagram] = []
  /// Datagrams that the system rejected: a full buffer, no route, a forbidden address.
  private(set) var dropped: Int64 = 0

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Queues a datagram. It is sent with the next flush, or at once if the queue is full.
  ///
  /// - Parameters:
  ///   - path: the address to send it from, and the interface; the kernel chooses what is missing.
  ///   - write: appends the datagram in place, so that only the kernel copies it.
  mutating func add(
    to endpoint: Endpoint, over path: cdatagrams_path = cdatagrams_path(), _ write: (inout [UInt8]) -> Void
  ) {
    let start = bytes.count
    write(&bytes)
    datagrams.append(
      cdatagram(
        start: start, length: bytes.count - start, endpoint: cdatagrams_endpoint(endpoint), path: path))
    if datagrams.count >= Self.capacity { flush() }
  }

  /// Sends the queued datagrams.
  mutating func flush() {
    guard !datagrams.isEmpty else { return }
    // Datagrams for the same node are sent in a row, so that it wakes up once for all of them.
    if datagrams.count > 2 { datagrams.sort { $0.key < $1.key } }
    dropped += Int64(send())
    bytes.removeAll(keepingCapacity: true)
    datagrams.removeAll(keepingCapacity: true)
  }

  /// Sends all datagrams that can be sent.
  ///
  /// - Returns: the number of datagrams that could not be sent.
  private mutating func send() -> Int {
    var failed = 0
    var next = 0
    while next < datagrams.count {
      // `add` has placed each datagram within the bytes. The pointers are used only during the call.
      let result = unsafe bytes.withUnsafeBytes { bytes in
        unsafe datagrams[next...].withUnsafeBufferPointer { rest in
          unsafe cdatagrams_send(descriptor, bytes.baseAddress, rest.baseAddress, UInt32(rest.count))
        }
      }
      switch -result {
      case ...0:
        next += Int(result)
      case EINTR:
        continue
      case EAGAIN:
        // The buffer is full, and the next datagram would find it full too. UDP may lose datagrams, and
        // queries are sent again.
        return failed + datagrams.count - next
      case _ where datagrams[next].path.has_address != 0:
        // The address may have left the machine since.
        datagrams[next].path.has_address = 0
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
  /// The order of datagrams: by destination, then by arrival.
  fileprivate var key: (UInt64, UInt16, Int) { (endpoint.low, endpoint.port, start) }
}
