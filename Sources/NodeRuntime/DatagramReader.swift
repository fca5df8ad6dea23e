import CDatagrams
import Glibc
import Kademlia
import SystemPackage

/// Reads the datagrams of a node's sockets, many with one system call, into memory that is reused.
///
/// `@safe`: it owns the C reader, and gives access to its memory as spans only, which cannot outlive a call
/// of `read`.
@safe struct DatagramReader: ~Copyable {
  private let reader: OpaquePointer

  /// The bytes of a datagram that are read: more than any node sends.
  private static let room = 2048

  /// - Parameter hasPaths: whether the socket reports the addresses that datagrams were sent to.
  /// - Throws: `Errno.noMemory`.
  init(hasPaths: Bool) throws(Errno) {
    guard let reader = unsafe cdatagrams_reader_create(Self.room, hasPaths ? 1 : 0) else {
      throw Errno.noMemory
    }
    unsafe self.reader = reader
  }

  deinit { unsafe cdatagrams_reader_free(reader) }

  /// Reads the datagrams that one system call returns, and passes on each.
  ///
  /// - Returns: whether there may be more.
  /// - Throws: the error of the socket. An empty socket is not an error.
  func read(
    _ socket: Int32, _ received: (RawSpan, Endpoint, cdatagrams_path) -> Void
  ) throws(Errno) -> Bool {
    var datagrams: UnsafePointer<cdatagram>?
    var bytes: UnsafeRawPointer?
    let count = unsafe cdatagrams_receive(reader, socket, &datagrams, &bytes)
    guard count >= 0 else {
      switch -count {
      // None of these is the socket's fault: an earlier datagram was rejected, or memory is short.
      case EAGAIN, EINTR, ECONNREFUSED, ENOMEM, ENOBUFS: return false
      default: throw Errno(rawValue: -count)
      }
    }
    // If there are datagrams, C has set both pointers, and they are valid until its next call.
    guard let bytes = unsafe bytes else { return false }
    let found = unsafe UnsafeBufferPointer(start: datagrams, count: Int(count))
    for index in found.indices {
      let datagram = unsafe found[index]
      guard let source = Endpoint(datagram.endpoint) else { continue }
      let content = unsafe UnsafeRawBufferPointer(start: bytes + datagram.start, count: datagram.length)
      unsafe received(content.bytes, source, datagram.path)
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
