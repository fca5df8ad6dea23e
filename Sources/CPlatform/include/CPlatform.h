#ifndef CPLATFORM_H
#define CPLATFORM_H

/// Makes a descriptor that one thread wakes another with, with eventfd(2), which Swift's Glibc module does not
/// show. It does not block.
///
/// Returns the descriptor, or the error number, negated.
int cplatform_eventfd(void);

#endif
