#ifndef CDIRTYFLAG_H
#define CDIRTYFLAG_H

/// The first byte of a flag file: set, and clear.
#define CDIRTYFLAG_SET 0x21
#define CDIRTYFLAG_CLEAR 0x2E

/// The most flags that are watched at a time.
#define CDIRTYFLAG_MAX 64

/// From now on, a SIGSEGV or SIGBUS of this process sets the flag that is open at a descriptor, because a
/// damaged page of a memory map causes such a signal. The earlier handler of the signal runs afterwards.
///
/// Returns 0, or an error number.
int cdirtyflag_watch(int descriptor);

/// Stops watching a flag. Call it before the descriptor is closed.
void cdirtyflag_forget(int descriptor);

/// Sets the flag that is open at a descriptor, durably. Safe in a signal handler.
///
/// Returns 0, or an error number.
int cdirtyflag_set(int descriptor);

/// Sets all watched flags. Safe in a signal handler.
void cdirtyflag_set_all(void);

#endif
