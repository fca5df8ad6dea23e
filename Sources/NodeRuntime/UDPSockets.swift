import EventLoop
import Glibc
import Kademlia
import Platform
import SystemPackage

/// A bound UDP socket.
///
/// A datagram that cannot be sent is a lost datagram: any node may name us an address that nobody can
/// send to, and the next one goes out all the same.
final class UDPSocket {
  /// What it is bound to; a wildcard too.
  let endpoint: Endpoint
  private let descriptor: Int32
  private let reader: DatagramReader
  private var sender: DatagramSender
  private var watch: WatchID?
  private var handleReadable: ((UDPSocket) -> Void)?
  private var isClosed = false

  /// The buffers asked for. The kernel gives what net.core.rmem_max allows; its default of 208 KiB
  /// overflows when many answers come at once.
  private static let bufferBytes: Int32 = 4 << 20
  /// The most batches that are read in one iteration of the loop: others want their turn, too.
  private static let maxBatches = 8

  /// Binds a socket. It reads nothing before `start`.
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
      reader = try DatagramReader()
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
    // Each family has a socket of its own on the same port.
    if isV6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    set(descriptor, SOL_SOCKET, SO_RCVBUF, bufferBytes)
    set(descriptor, SOL_SOCKET, SO_SNDBUF, bufferBytes)
    guard endpoint.withSocketAddress({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
      let cause = Errno.current
      Glibc.close(descriptor)
      throw cause
    }
    return descriptor
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Begins to watch the socket.
  ///
  /// - Parameter handleReadable: called whenever there is something to read.
  /// - Throws: the cause, if the system does not watch its descriptor.
  func start(on loop: EventLoop, _ handleReadable: @escaping (UDPSocket) -> Void) throws(Errno) {
    self.handleReadable = handleReadable
    watch = try loop.watch(descriptor, for: .readable, self)
  }

  /// Reads the datagrams that are there, unless there are very many, and shows each.
  ///
  /// - Throws: the error of the socket.
  func read(_ received: (RawSpan, Endpoint) -> Void) throws(Errno) {
    // A datagram may end the node, and close the socket.
    for _ in 0..<Self.maxBatches where !isClosed {
      guard try reader.read(descriptor, received) else { return }
    }
  }

  /// Reads no more, and lets the port go.
  func close(on loop: EventLoop) {
    guard !isClosed else { return }
    isClosed = true
    if let watch { loop.end(watch) }
    handleReadable = nil
    Glibc.close(descriptor)
  }

  // MARK: - Sending

  /// Takes a datagram; it goes out with the next flush, or at once if as many wait as one call takes.
  ///
  /// - Parameter write: appends the bytes of the datagram.
  func send(to endpoint: Endpoint, _ write: (inout [UInt8]) -> Void) {
    sender.add(to: endpoint, write)
  }

  func flush() { sender.flush() }

  /// Datagrams that the system would not take.
  var droppedDatagrams: Int64 { sender.dropped }
}

extension UDPSocket: DescriptorWatcher {
  func isReady(_ readiness: Readiness) { handleReadable?(self) }
}

/// The node's UDP sockets: one of each family at most.
struct UDPSockets {
  private(set) var v4: UDPSocket?
  private(set) var v6: UDPSocket?

  var all: [UDPSocket] { [v4, v6].compactMap(\.self) }

  /// What is bound, IPv4 first.
  var endpoints: [Endpoint] { all.map(\.endpoint) }

  var families: AddressFamilies {
    var families = AddressFamilies()
    if v4 != nil { families.insert(.v4) }
    if v6 != nil { families.insert(.v6) }
    return families
  }

  /// Binds the sockets that the settings ask for.
  ///
  /// - Throws: `NodeStartError`, and then none is bound.
  init(_ settings: NodeSettings) throws(NodeStartError) {
    let port = settings.port
    switch settings.binding {
    case .loopback:
      v4 = try UDPSocket("127.0.0.1", port: port)
      do throws(NodeStartError) {
        v6 = try UDPSocket("::1", port: port)
      } catch .cannotBind {
        // A machine without IPv6 is one to run on, too.
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
