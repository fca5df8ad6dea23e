#define _GNU_SOURCE
#include "CDatagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

int cdatagrams_send(int socket, const struct cdatagram *datagrams, unsigned int count) {
  struct mmsghdr messages[CDATAGRAMS_MAX];
  struct iovec parts[CDATAGRAMS_MAX];
  if (count > CDATAGRAMS_MAX) count = CDATAGRAMS_MAX;
  memset(messages, 0, count * sizeof messages[0]);
  for (unsigned int i = 0; i < count; i++) {
    parts[i].iov_base = (void *)datagrams[i].bytes;
    parts[i].iov_len = datagrams[i].length;
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = (void *)datagrams[i].address;
    messages[i].msg_hdr.msg_namelen = datagrams[i].address_length;
  }
  int sent = sendmmsg(socket, messages, count, MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}
