#define _GNU_SOURCE
#include "CDatagrams.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
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
    // This is by far the most common case, and a cheaper call, because the kernel has no vectors to copy.
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

struct cdatagrams_reader {
  struct mmsghdr messages[CDATAGRAMS_BATCH];
  struct iovec parts[CDATAGRAMS_BATCH];
  union address addresses[CDATAGRAMS_BATCH];
  struct cdatagram datagrams[CDATAGRAMS_BATCH];
  size_t room;
  char bytes[];
};

struct cdatagrams_reader *cdatagrams_reader_create(size_t room) {
  struct cdatagrams_reader *reader = malloc(sizeof *reader + CDATAGRAMS_BATCH * room);
  if (!reader) return NULL;
  // The bytes are not initialised, so that pages that no datagram has used take no memory.
  memset(reader, 0, sizeof *reader);
  reader->room = room;
  for (unsigned int i = 0; i < CDATAGRAMS_BATCH; i++) {
    reader->parts[i] = (struct iovec){reader->bytes + i * room, room};
    reader->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &reader->addresses[i],
        .msg_namelen = sizeof reader->addresses[i],
        .msg_iov = &reader->parts[i],
        .msg_iovlen = 1,
    };
  }
  return reader;
}

void cdatagrams_reader_free(struct cdatagrams_reader *reader) { free(reader); }

static struct cdatagrams_endpoint read_address(const union address *address) {
  if (address->any.sa_family == AF_INET) {
    return (struct cdatagrams_endpoint){
        .low = be32toh(address->v4.sin_addr.s_addr), .port = be16toh(address->v4.sin_port)};
  }
  if (address->any.sa_family != AF_INET6) return (struct cdatagrams_endpoint){.port = 0};
  uint64_t halves[2];
  memcpy(halves, &address->v6.sin6_addr, sizeof halves);
  return (struct cdatagrams_endpoint){
      .high = be64toh(halves[0]),
      .low = be64toh(halves[1]),
      .port = be16toh(address->v6.sin6_port),
      .is_v6 = 1,
  };
}

int cdatagrams_receive(
    struct cdatagrams_reader *reader, int socket, const struct cdatagram **datagrams, const void **bytes) {
  int count = recvmmsg(socket, reader->messages, CDATAGRAMS_BATCH, MSG_DONTWAIT, NULL);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) {
    reader->datagrams[i] = (struct cdatagram){
        .start = (size_t)i * reader->room,
        .length = reader->messages[i].msg_len,
        .endpoint = read_address(&reader->addresses[i]),
    };
    // The kernel has stored the length of the address here.
    reader->messages[i].msg_hdr.msg_namelen = sizeof reader->addresses[i];
  }
  *datagrams = reader->datagrams;
  *bytes = reader->bytes;
  return count;
}
