import CDatagrams
import Glibc
import Kademlia
import SystemPackage

/// Reads the datagrams of a node's sockets, many with one system call, into memory that is reused.
struct DatagramReader: ~Copyable {
  private let reader: OpaquePointer

  /// The bytes of a datagram that are read: more than any node sends.
  private static let room = 2048

  /// - Throws: `Errno.noMemory`.
  init() throws(Errno) {
    guard let reader = cdatagrams_reader_create(Self.room) else { throw Errno.noMemory }
    self.reader = reader
  }

  deinit { cdatagrams_reader_free(reader) }

  /// Reads the datagrams that one system call returns, and passes on each.
  ///
  /// - Returns: whether there may be more.
  /// - Throws: the error of the socket. An empty socket is not an error.
  func read(_ socket: Int32, _ received: (RawSpan, Endpoint) -> Void) throws(Errno) -> Bool {
    var datagrams: UnsafePointer<cdatagram>?
    var bytes: UnsafeRawPointer?
    let count = cdatagrams_receive(reader, socket, &datagrams, &bytes)
    guard count >= 0 else {
      switch -count {
      // None of these is the socket's fault: an earlier datagram was rejected, or memory is short.
      case EAGAIN, EINTR, ECONNREFUSED, ENOMEM, ENOBUFS: return false
      default: throw Errno(rawValue: -count)
      }
    }
    guard let bytes else { return false }
    for datagram in UnsafeBufferPointer(start: datagrams, count: Int(count)) {
      guard let source = Endpoint(datagram.endpoint) else { continue }
      let content = UnsafeRawBufferPointer(start: bytes + datagram.start, count: datagram.length)
      received(content.bytes, source)
    }
    return count == CDATAGRAMS_BATCH
  }
}

extension Endpoint {
  /// The endpoint that a datagram came from; nil without a port.
  ///
  /// An IPv4 address in IPv6 form becomes an IPv4 address: one host has one address a family.
  fileprivate init?(_ source: cdatagrams_endpoint) {
    guard source.port != 0 else { return nil }
    let isMapped = source.high == 0 && source.low >> 32 == 0xFFFF
    let isV4 = source.is_v6 == 0 || isMapped
    self.init(
      isV4 ? .v4(UInt32(truncatingIfNeeded: source.low)) : .v6(source.high, source.low),
      port: source.port)
  }
}
