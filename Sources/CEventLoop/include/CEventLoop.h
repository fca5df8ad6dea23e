#ifndef CEVENTLOOP_H
#define CEVENTLOOP_H

#include <stdint.h>

// epoll(7) and accept4(2), which Swift's Glibc module does not show. Each function returns what the
// system call returns, or its error number, negated.

/// Something has happened to a descriptor.
struct ceventloop_event {
  /// What the descriptor was watched under.
  uint64_t token;
  uint32_t readiness;
};

/// There is something to read, or the other side has said all that it will say.
#define CEVENTLOOP_READABLE 1u
/// There is room to write.
#define CEVENTLOOP_WRITABLE 2u
/// The descriptor has failed, or nobody is at the other side any more.
#define CEVENTLOOP_BROKEN 4u

/// Makes what descriptors are watched with.
int ceventloop_create(void);

/// Begins to watch a descriptor, for a union of the first two of the above.
int ceventloop_add(int loop, int descriptor, uint32_t readiness, uint64_t token);
/// Watches it for something else.
int ceventloop_change(int loop, int descriptor, uint32_t readiness, uint64_t token);
/// Watches it no more.
int ceventloop_remove(int loop, int descriptor);

/// Waits until something happens, and no longer than some milliseconds; -1: for ever.
///
/// Returns how many events it wrote, `count` at most and never more than 64.
int ceventloop_wait(int loop, struct ceventloop_event *events, int count, int milliseconds);

/// Takes in a client of a listening socket, as a descriptor that does not block, with accept4(2).
int ceventloop_accept(int listener);

#endif
