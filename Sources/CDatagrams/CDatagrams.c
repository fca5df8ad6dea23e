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

/// Room for the control message of one datagram.
union control {
  struct cmsghdr aligned;
  char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
  char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static socklen_t write_address(union address *address, const struct cdatagram *datagram) {
  const struct cdatagrams_endpoint *endpoint = &datagram->endpoint;
  if (!endpoint->is_v6) {
    address->v4 = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htobe16(endpoint->port),
        .sin_addr.s_addr = htobe32((uint32_t)endpoint->low),
    };
    return sizeof address->v4;
  }
  address->v6 = (struct sockaddr_in6){
      .sin6_family = AF_INET6,
      .sin6_port = htobe16(endpoint->port),
      .sin6_scope_id = datagram->path.interface,
  };
  const uint64_t halves[2] = {htobe64(endpoint->high), htobe64(endpoint->low)};
  memcpy(&address->v6.sin6_addr, halves, sizeof halves);
  return sizeof address->v6;
}

/// Names the source address of a datagram. Returns the length of the control message.
static size_t write_control(union control *control, const struct cdatagram *datagram) {
  const struct cdatagrams_path *path = &datagram->path;
  if (!datagram->endpoint.is_v6) {
    control->aligned = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    const struct in_pktinfo info = {.ipi_spec_dst.s_addr = htobe32((uint32_t)path->low)};
    memcpy(CMSG_DATA(&control->aligned), &info, sizeof info);
    return sizeof control->v4;
  }
  control->aligned = (struct cmsghdr){
      .cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
  struct in6_pktinfo info = {.ipi6_ifindex = path->interface};
  const uint64_t halves[2] = {htobe64(path->high), htobe64(path->low)};
  memcpy(&info.ipi6_addr, halves, sizeof halves);
  memcpy(CMSG_DATA(&control->aligned), &info, sizeof info);
  return sizeof control->v6;
}

int cdatagrams_send(int socket, const void *bytes, const struct cdatagram *datagrams, unsigned int count) {
  const char *first = bytes;
  if (count == 1 && !datagrams->path.has_address) {
    // This is by far the most common case, and a cheaper call, because the kernel has no vectors to copy.
    union address address;
    socklen_t length = write_address(&address, datagrams);
    ssize_t sent = sendto(
        socket, first + datagrams->start, datagrams->length, MSG_DONTWAIT, &address.any, length);
    return sent < 0 ? -errno : 1;
  }
  struct mmsghdr messages[CDATAGRAMS_MAX];
  struct iovec parts[CDATAGRAMS_MAX];
  union address addresses[CDATAGRAMS_MAX];
  union control controls[CDATAGRAMS_MAX];
  if (count > CDATAGRAMS_MAX) count = CDATAGRAMS_MAX;
  for (unsigned int i = 0; i < count; i++) {
    parts[i] = (struct iovec){(void *)(first + datagrams[i].start), datagrams[i].length};
    messages[i] = (struct mmsghdr){
        .msg_hdr = {
            .msg_name = &addresses[i],
            .msg_namelen = write_address(&addresses[i], &datagrams[i]),
            .msg_iov = &parts[i],
            .msg_iovlen = 1,
        }};
    if (!datagrams[i].path.has_address) continue;
    messages[i].msg_hdr.msg_control = &controls[i];
    messages[i].msg_hdr.msg_controllen = write_control(&controls[i], &datagrams[i]);
  }
  int sent = sendmmsg(socket, messages, count, MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}

struct cdatagrams_reader {
  struct mmsghdr messages[CDATAGRAMS_BATCH];
  struct iovec parts[CDATAGRAMS_BATCH];
  union address addresses[CDATAGRAMS_BATCH];
  struct cdatagram datagrams[CDATAGRAMS_BATCH];
  union control controls[CDATAGRAMS_BATCH];
  size_t room;
  int has_paths;
  char bytes[];
};

int cdatagrams_report_paths(int socket, int is_v6) {
  const int on = 1;
  int result = is_v6 ? setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                     : setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  return result < 0 ? -errno : 0;
}

struct cdatagrams_reader *cdatagrams_reader_create(size_t room, int has_paths) {
  struct cdatagrams_reader *reader = malloc(sizeof *reader + CDATAGRAMS_BATCH * room);
  if (!reader) return NULL;
  // The bytes are not initialised, so that pages that no datagram has used take no memory.
  memset(reader, 0, sizeof *reader);
  reader->room = room;
  reader->has_paths = has_paths;
  for (unsigned int i = 0; i < CDATAGRAMS_BATCH; i++) {
    reader->parts[i] = (struct iovec){reader->bytes + i * room, room};
    reader->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &reader->addresses[i],
        .msg_namelen = sizeof reader->addresses[i],
        .msg_iov = &reader->parts[i],
        .msg_iovlen = 1,
    };
    if (!has_paths) continue;
    reader->messages[i].msg_hdr.msg_control = &reader->controls[i];
    reader->messages[i].msg_hdr.msg_controllen = sizeof reader->controls[i];
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

/// Reads the address that a datagram was sent to, if it can be the source of an answer.
static void read_control(struct cdatagrams_path *path, struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(part), sizeof info);
      // For a datagram to a broadcast address this is an address of the interface, and not the destination.
      path->low = be32toh(info.ipi_spec_dst.s_addr);
      path->has_address = path->low != 0;
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(part), sizeof info);
      if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) continue;
      uint64_t halves[2];
      memcpy(halves, &info.ipi6_addr, sizeof halves);
      path->high = be64toh(halves[0]);
      path->low = be64toh(halves[1]);
      path->has_address = 1;
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) path->interface = info.ipi6_ifindex;
    }
  }
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
    if (reader->datagrams[i].endpoint.is_v6)
      reader->datagrams[i].path.interface = reader->addresses[i].v6.sin6_scope_id;
    // The kernel has stored the length of the address here, and that of the control message.
    reader->messages[i].msg_hdr.msg_namelen = sizeof reader->addresses[i];
    if (!reader->has_paths) continue;
    read_control(&reader->datagrams[i].path, &reader->messages[i].msg_hdr);
    reader->messages[i].msg_hdr.msg_controllen = sizeof reader->controls[i];
  }
  *datagrams = reader->datagrams;
  *bytes = reader->bytes;
  return count;
}
