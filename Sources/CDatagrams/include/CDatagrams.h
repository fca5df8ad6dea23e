#ifndef CDATAGRAMS_H
#define CDATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

/// An IP address and a port, in host byte order.
struct cdatagrams_endpoint {
  /// The upper half of an IPv6 address; 0 for IPv4.
  uint64_t high;
  /// The lower half of an IPv6 address, or the whole of an IPv4 address.
  uint64_t low;
  uint16_t port;
  uint8_t is_v6;
};

/// The end of a datagram's path on this machine, in host byte order.
struct cdatagrams_path {
  /// The address, as in cdatagrams_endpoint: the destination of a received datagram, the source of a sent one.
  uint64_t high;
  uint64_t low;
  /// The interface, where the address of the other end is link-local and means nothing without it; otherwise 0.
  uint32_t interface;
  /// 1 if the address is known. The kernel chooses an address for a datagram that is sent without one.
  uint8_t has_address;
};

/// A datagram in a buffer of several, its destination or source, and its path.
struct cdatagram {
  /// The offset of its bytes.
  size_t start;
  size_t length;
  struct cdatagrams_endpoint endpoint;
  struct cdatagrams_path path;
};

/// The most datagrams that one call sends.
#define CDATAGRAMS_MAX 64
/// The most datagrams that one call receives.
#define CDATAGRAMS_BATCH 64

/// Sends datagrams with one system call, sendmmsg(2), which Swift's Glibc module does not export.
///
/// Returns the number of datagrams sent, from the first on; or the negated error number if the first could
/// not be sent.
int cdatagrams_send(int socket, const void *bytes, const struct cdatagram *datagrams, unsigned int count);

/// Makes a socket report the address that each datagram was sent to: one bound to a wildcard address has many.
///
/// Returns 0, or a negated error number.
int cdatagrams_report_paths(int socket, int is_v6);

/// Receives datagrams of sockets into its own memory.
struct cdatagrams_reader;

/// Makes a reader; a null pointer if memory is short.
///
/// room: the bytes of a datagram that are received; the rest of a longer one is lost.
/// has_paths: 1 if the sockets report the addresses that datagrams were sent to.
struct cdatagrams_reader *cdatagrams_reader_create(size_t room, int has_paths);
void cdatagrams_reader_free(struct cdatagrams_reader *reader);

/// Receives the waiting datagrams, at most CDATAGRAMS_BATCH, with one system call, recvmmsg(2).
///
/// Returns their number; or a negated error number if there are none, which is EAGAIN in the normal case.
/// datagrams, bytes: their location until the next call. A datagram of an unknown address family has port 0.
int cdatagrams_receive(
    struct cdatagrams_reader *reader, int socket, const struct cdatagram **datagrams, const void **bytes);

#endif
