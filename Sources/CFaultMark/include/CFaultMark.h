#ifndef CFAULTMARK_H
#define CFAULTMARK_H

/// The byte at the start of a mark that is set, and of one that is not.
#define CFAULTMARK_SET 0x21
#define CFAULTMARK_CLEAR 0x2E

/// The most marks that are watched over at a time.
#define CFAULTMARK_MAX 64

/// From now on a SIGSEGV or SIGBUS of this process sets the mark that is open at a descriptor, before
/// what else happens on that signal: a damaged page of a memory map shows itself so. Whatever handled
/// the signal until now still does, afterwards.
///
/// Returns 0, or an error number.
int cfaultmark_watch(int descriptor);

/// Ends that for a descriptor. Call it before the descriptor is closed.
void cfaultmark_forget(int descriptor);

/// Sets the mark that is open at a descriptor, durably. Safe in a signal handler.
///
/// Returns 0, or an error number.
int cfaultmark_set(int descriptor);

/// Sets all marks that are watched over. Safe in a signal handler.
void cfaultmark_set_all(void);

#endif
