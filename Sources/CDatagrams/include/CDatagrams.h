#ifndef CDATAGRAMS_H
#define CDATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

/// An IP address and a port, as numbers in the order of this machine.
struct cdatagrams_endpoint {
  /// The upper half of an IPv6 address; 0 for IPv4.
  uint64_t high;
  /// The lower half of an IPv6 address, or the whole of an IPv4 address.
  uint64_t low;
  uint16_t port;
  uint8_t is_v6;
};

/// A datagram among the bytes of several, and whom it goes to or comes from.
struct cdatagram {
  /// Where its bytes begin.
  size_t start;
  size_t length;
  struct cdatagrams_endpoint endpoint;
};

/// The most datagrams that one call sends or receives.
#define CDATAGRAMS_MAX 64

/// Sends datagrams with one system call, sendmmsg(2), which Swift's Glibc module does not show.
///
/// Returns how many were sent, from the first on; or, if the first could not be, its error number,
/// negated.
int cdatagrams_send(int socket, const void *bytes, const struct cdatagram *datagrams, unsigned int count);

#endif
