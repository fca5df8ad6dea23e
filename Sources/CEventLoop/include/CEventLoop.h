#ifndef CEVENTLOOP_H
#define CEVENTLOOP_H

#include <stdint.h>

// epoll(7) and accept4(2), which Swift's Glibc module does not export. Each function returns the result of
// the system call, or its negated error number.

/// An event of a descriptor.
struct ceventloop_event {
  /// The token of the watch.
  uint64_t token;
  uint32_t readiness;
};

/// Input is available, or the other side has closed its sending direction.
#define CEVENTLOOP_READABLE 1u
/// There is room for output.
#define CEVENTLOOP_WRITABLE 2u
/// The descriptor has failed, or the other side is gone.
#define CEVENTLOOP_BROKEN 4u

/// Makes an epoll instance.
int ceventloop_create(void);

/// Begins to watch a descriptor, for a union of the first two of the above.
int ceventloop_add(int loop, int descriptor, uint32_t readiness, uint64_t token);
/// Changes the events that a descriptor is watched for.
int ceventloop_change(int loop, int descriptor, uint32_t readiness, uint64_t token);
/// Stops watching a descriptor.
int ceventloop_remove(int loop, int descriptor);

/// Waits for an event, at most for some milliseconds; -1 means for ever.
///
/// Returns the number of events written, at most `count` and never more than 64.
int ceventloop_wait(int loop, struct ceventloop_event *events, int count, int milliseconds);

/// Accepts a client of a listening socket, as a non-blocking descriptor, with accept4(2).
int ceventloop_accept(int listener);

#endif
