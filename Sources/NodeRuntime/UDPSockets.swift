import CDatagrams
import EventLoop
import Glibc
import Kademlia
import Platform
import SystemPackage

/// A bound UDP socket.
///
/// A datagram that cannot be sent is dropped, because any node may report an address that cannot be reached.
final class UDPSocket {
  /// The bound address, which may be a wildcard.
  let endpoint: Endpoint
  private let descriptor: Int32
  private let reader: DatagramReader
  private var sender: DatagramSender
  private var paths = ReturnPaths()
  private var watch: WatchID?
  private var handleReadable: ((UDPSocket) -> Void)?
  private var isClosed = false

  /// The buffers asked for. The kernel gives what net.core.rmem_max allows; its default of 208 KiB
  /// overflows when many answers come at once.
  private static let bufferBytes: Int32 = 4 << 20
  /// The most batches read in one iteration of the loop. Other work comes before the rest.
  private static let maxBatches = 8

  /// Binds a socket. It is not read before `start`.
  ///
  /// - Throws: `NodeStartError`.
  init(_ host: String, port: UInt16) throws(NodeStartError) {
    func failure(_ cause: Errno) -> NodeStartError {
      cause == .addressInUse
        ? .portInUse(address: host, port: port)
        : .cannotBind(address: host, port: port, reason: cause.description)
    }
    guard let address = IPAddress(host) else { throw .notAnAddress(host) }
    do throws(Errno) {
      reader = try DatagramReader(hasPaths: address.isWildcard)
      descriptor = try Self.bind(Endpoint(address, port: port))
    } catch {
      throw failure(error)
    }
    sender = DatagramSender(descriptor)
    guard let bound = Endpoint(boundTo: descriptor) else {
      Glibc.close(descriptor)
      isClosed = true
      throw .cannotBind(address: host, port: port, reason: "it got no address")
    }
    endpoint = bound
  }

  deinit {
    if !isClosed { Glibc.close(descriptor) }
  }

  private static func bind(_ endpoint: Endpoint) throws(Errno) -> Int32 {
    let isV6 = endpoint.address.family == .v6
    let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(isV6 ? AF_INET6 : AF_INET, Int32(kind), 0)
    guard descriptor >= 0 else { throw Errno.current }
    // Each family has its own socket on the same port.
    if isV6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    // The address that a node was asked at is the one that its answer is expected from.
    if endpoint.address.isWildcard { _ = cdatagrams_report_paths(descriptor, isV6 ? 1 : 0) }
    set(descriptor, SOL_SOCKET, SO_RCVBUF, bufferBytes)
    set(descriptor, SOL_SOCKET, SO_SNDBUF, bufferBytes)
    // The pointer to the address is used only during the call.
    guard unsafe endpoint.withSocketAddress({ unsafe Glibc.bind(descriptor, $0, $1) }) == 0 else {
      let cause = Errno.current
      Glibc.close(descriptor)
      throw cause
    }
    return descriptor
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    // The system reads one number of this size.
    unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Begins to watch the socket.
  ///
  /// - Parameter handleReadable: called whenever datagrams can be read.
  /// - Throws: the cause, if the system cannot watch its descriptor.
  func start(on loop: EventLoop, _ handleReadable: @escaping (UDPSocket) -> Void) throws(Errno) {
    self.handleReadable = handleReadable
    watch = try loop.watch(descriptor, for: .readable, self)
  }

  /// Reads the waiting datagrams, up to a limit, and passes on each.
  ///
  /// - Throws: the error of the socket.
  func read(_ received: (RawSpan, Endpoint) -> Void) throws(Errno) {
    // Handling a datagram may stop the node and close the socket.
    for _ in 0..<Self.maxBatches where !isClosed {
      let mayBeMore = try reader.read(descriptor) { datagram, source, path in
        paths.note(path, of: source)
        received(datagram, source)
      }
      guard mayBeMore else { return }
    }
  }

  /// Stops reading, and frees the port.
  func close(on loop: EventLoop) {
    guard !isClosed else { return }
    isClosed = true
    if let watch { loop.end(watch) }
    handleReadable = nil
    Glibc.close(descriptor)
  }

  // MARK: - Sending

  /// Queues a datagram. It is sent with the next flush, or at once if the queue is full.
  ///
  /// - Parameter write: appends the bytes of the datagram.
  func send(to endpoint: Endpoint, _ write: (inout [UInt8]) -> Void) {
    sender.add(to: endpoint, over: paths.path(to: endpoint), write)
  }

  func flush() { sender.flush() }

  /// Returns whether the machine still has the address that the socket is bound to. The kernel does not say so
  /// when the address leaves, and goes on to accept datagrams of IPv6.
  func hasAddress() -> Bool {
    guard !endpoint.address.isWildcard, !endpoint.address.isLoopback else { return true }
    do throws(Errno) {
      Glibc.close(try Self.bind(Endpoint(endpoint.address, port: 0)))
      return true
    } catch {
      return error != .addressNotAvailable
    }
  }

  /// The number of datagrams that the system rejected.
  var droppedDatagrams: Int64 { sender.dropped }
}

extension UDPSocket: DescriptorWatcher {
  func handleReadiness(_ readiness: Readiness) { handleReadable?(self) }
}

/// The node's UDP sockets, at most one of each family.
struct UDPSockets {
  private(set) var v4: UDPSocket?
  private(set) var v6: UDPSocket?

  var all: [UDPSocket] { [v4, v6].compactMap(\.self) }

  /// The bound addresses, IPv4 first.
  var endpoints: [Endpoint] { all.map(\.endpoint) }

  var families: AddressFamilies {
    var families = AddressFamilies()
    if v4 != nil { families.insert(.v4) }
    if v6 != nil { families.insert(.v6) }
    return families
  }

  /// Binds the sockets of the settings.
  ///
  /// - Throws: `NodeStartError`, in which case none is bound.
  init(_ settings: NodeSettings) throws(NodeStartError) {
    let port = settings.port
    switch settings.binding {
    case .loopback:
      v4 = try UDPSocket("127.0.0.1", port: port)
      do throws(NodeStartError) {
        v6 = try UDPSocket("::1", port: port)
      } catch .cannotBind {
        // A node runs on a machine without IPv6, too.
      } catch {
        throw error
      }
    case .addresses(let addresses):
      for address in addresses { try add(try UDPSocket(address, port: port), address) }
    }
  }

  private mutating func add(_ socket: UDPSocket, _ address: String) throws(NodeStartError) {
    switch socket.endpoint.address.family {
    case .v4 where v4 == nil: v4 = socket
    case .v6 where v6 == nil: v6 = socket
    case .v4, .v6: throw .twoAddressesOfOneFamily(address)
    }
  }
}
