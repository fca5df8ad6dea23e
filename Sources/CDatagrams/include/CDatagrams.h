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

/// The most datagrams that one call sends.
#define CDATAGRAMS_MAX 64
/// The most that one call receives.
#define CDATAGRAMS_BATCH 32

/// Sends datagrams with one system call, sendmmsg(2), which Swift's Glibc module does not show.
///
/// Returns how many were sent, from the first on; or, if the first could not be, its error number,
/// negated.
int cdatagrams_send(int socket, const void *bytes, const struct cdatagram *datagrams, unsigned int count);

/// Reads the datagrams of sockets into memory of its own.
struct cdatagrams_reader;

/// Makes a reader; a null pointer where there is no memory.
///
/// room: the bytes of a datagram that are read; of a longer one the rest is lost.
struct cdatagrams_reader *cdatagrams_reader_create(size_t room);
void cdatagrams_reader_free(struct cdatagrams_reader *reader);

/// Receives what is there, CDATAGRAMS_BATCH datagrams at most, with one system call, recvmmsg(2).
///
/// Returns how many; or, if there is none, an error number, negated: EAGAIN where all is well.
/// datagrams, bytes: where they are until the next call. One of no known family has port 0.
int cdatagrams_receive(
    struct cdatagrams_reader *reader, int socket, const struct cdatagram **datagrams, const void **bytes);

#endif
