#define _GNU_SOURCE
#include "CDatagrams.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t write_address(union address *address, const struct cdatagrams_endpoint *endpoint) {
  if (!endpoint->is_v6) {
    address->v4 = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htobe16(endpoint->port),
        .sin_addr.s_addr = htobe32((uint32_t)endpoint->low),
    };
    return sizeof address->v4;
  }
  address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htobe16(endpoint->port)};
  const uint64_t halves[2] = {htobe64(endpoint->high), htobe64(endpoint->low)};
  memcpy(&address->v6.sin6_addr, halves, sizeof halves);
  return sizeof address->v6;
}

int cdatagrams_send(int socket, const void *bytes, const struct cdatagram *datagrams, unsigned int count) {
  const char *first = bytes;
  if (count == 1) {
    // The most common case by far, and a cheaper call: the kernel has no vectors to copy.
    union address address;
    socklen_t length = write_address(&address, &datagrams->endpoint);
    ssize_t sent = sendto(
        socket, first + datagrams->start, datagrams->length, MSG_DONTWAIT, &address.any, length);
    return sent < 0 ? -errno : 1;
  }
  struct mmsghdr messages[CDATAGRAMS_MAX];
  struct iovec parts[CDATAGRAMS_MAX];
  union address addresses[CDATAGRAMS_MAX];
  if (count > CDATAGRAMS_MAX) count = CDATAGRAMS_MAX;
  for (unsigned int i = 0; i < count; i++) {
    parts[i] = (struct iovec){(void *)(first + datagrams[i].start), datagrams[i].length};
    messages[i] = (struct mmsghdr){
        .msg_hdr = {
            .msg_name = &addresses[i],
            .msg_namelen = write_address(&addresses[i], &datagrams[i].endpoint),
            .msg_iov = &parts[i],
            .msg_iovlen = 1,
        }};
  }
  int sent = sendmmsg(socket, messages, count, MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}
