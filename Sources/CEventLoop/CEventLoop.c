#define _GNU_SOURCE
#include "CEventLoop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { MOST_EVENTS = 64 };

int ceventloop_create(void) {
  int loop = epoll_create1(EPOLL_CLOEXEC);
  return loop < 0 ? -errno : loop;
}

static int control(int loop, int operation, int descriptor, uint32_t readiness, uint64_t token) {
  struct epoll_event event = {
      .events = (readiness & CEVENTLOOP_READABLE ? EPOLLIN | EPOLLRDHUP : 0) |
                (readiness & CEVENTLOOP_WRITABLE ? EPOLLOUT : 0),
      .data.u64 = token,
  };
  return epoll_ctl(loop, operation, descriptor, &event) < 0 ? -errno : 0;
}

int ceventloop_add(int loop, int descriptor, uint32_t readiness, uint64_t token) {
  return control(loop, EPOLL_CTL_ADD, descriptor, readiness, token);
}

int ceventloop_change(int loop, int descriptor, uint32_t readiness, uint64_t token) {
  return control(loop, EPOLL_CTL_MOD, descriptor, readiness, token);
}

int ceventloop_remove(int loop, int descriptor) {
  return control(loop, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int ceventloop_wait(int loop, struct ceventloop_event *events, int count, int milliseconds) {
  struct epoll_event ready[MOST_EVENTS];
  int found = epoll_wait(loop, ready, count < MOST_EVENTS ? count : MOST_EVENTS, milliseconds);
  if (found < 0) return -errno;
  for (int i = 0; i < found; i++) {
    uint32_t happened = ready[i].events;
    events[i].token = ready[i].data.u64;
    events[i].readiness = (happened & (EPOLLIN | EPOLLRDHUP) ? CEVENTLOOP_READABLE : 0) |
                          (happened & EPOLLOUT ? CEVENTLOOP_WRITABLE : 0) |
                          (happened & (EPOLLERR | EPOLLHUP) ? CEVENTLOOP_BROKEN : 0);
  }
  return found;
}

int ceventloop_accept(int listener) {
  int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return client < 0 ? -errno : client;
}
