#ifndef CDATAGRAMS_H
#define CDATAGRAMS_H

#include <stddef.h>
#include <sys/socket.h>

/// A datagram and where it goes.
struct cdatagram {
  const void *bytes;
  size_t length;
  const struct sockaddr *address;
  socklen_t address_length;
};

/// The most datagrams that one call sends.
#define CDATAGRAMS_MAX 64

/// Sends datagrams with one system call, sendmmsg(2), which Swift's Glibc module does not show.
///
/// Returns how many were sent, from the first on; or, if the first could not be, its error number,
/// negated.
int cdatagrams_send(int socket, const struct cdatagram *datagrams, unsigned int count);

#endif
