import CDatagrams
import Glibc
import Kademlia

/// Collects the datagrams that a socket is to send and lets them out many at a time.
///
/// NIO would close the socket at the first address that cannot be sent to, and any node may name us
/// such an address. Here a datagram that cannot be sent is a lost datagram, and the next one goes out.
struct DatagramSender {
  private let descriptor: Int32
  /// The bytes of all datagrams that wait, one after the other, and where each of them ends.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var addresses: [sockaddr_storage] = []
  /// Datagrams that the system would not take: a full buffer, no route, a forbidden address.
  private(set) var dropped: Int64 = 0

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Takes a datagram; it goes out with the next flush, or at once if as many wait as one call takes.
  mutating func add(_ datagram: [UInt8], to endpoint: Endpoint) {
    bytes.append(contentsOf: datagram)
    ends.append(bytes.count)
    addresses.append(sockaddr_storage(endpoint))
    if ends.count >= Int(CDATAGRAMS_MAX) { flush() }
  }

  /// Sends what waits.
  mutating func flush() {
    guard !ends.isEmpty else { return }
    let descriptor = descriptor
    let failed = bytes.withUnsafeBytes { bytes in
      addresses.withUnsafeBufferPointer { addresses in
        Self.send(descriptor, Self.datagrams(bytes, ends, addresses))
      }
    }
    dropped += Int64(failed)
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    addresses.removeAll(keepingCapacity: true)
  }

  private static func datagrams(
    _ bytes: UnsafeRawBufferPointer, _ ends: [Int], _ addresses: UnsafeBufferPointer<sockaddr_storage>
  ) -> [cdatagram] {
    var start = 0
    return ends.indices.map { index in
      defer { start = ends[index] }
      let address = addresses.baseAddress?.advanced(by: index)
      return cdatagram(
        bytes: bytes.baseAddress?.advanced(by: start), length: ends[index] - start,
        address: UnsafeRawPointer(address)?.assumingMemoryBound(to: sockaddr.self),
        address_length: addresses[index].length)
    }
  }

  /// Sends all that can be sent.
  ///
  /// - Returns: how many could not.
  private static func send(_ descriptor: Int32, _ datagrams: [cdatagram]) -> Int {
    var failed = 0
    var next = 0
    while next < datagrams.count {
      let result = datagrams[next...].withUnsafeBufferPointer { rest in
        cdatagrams_send(descriptor, rest.baseAddress, UInt32(rest.count))
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

extension sockaddr_storage {
  /// The socket address of an endpoint.
  fileprivate init(_ endpoint: Endpoint) {
    self.init()
    withUnsafeMutableBytes(of: &self) { storage in
      switch endpoint.address {
      case .v4: storage.storeBytes(of: sockaddr_in(endpoint), as: sockaddr_in.self)
      case .v6: storage.storeBytes(of: sockaddr_in6(endpoint), as: sockaddr_in6.self)
      }
    }
  }

  /// How much of the storage the address of its family takes.
  fileprivate var length: socklen_t {
    let isV6 = Int32(ss_family) == AF_INET6
    return socklen_t(isV6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
  }
}
