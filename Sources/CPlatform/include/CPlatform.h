#ifndef CPLATFORM_H
#define CPLATFORM_H

/// Makes a non-blocking descriptor with which one thread wakes another, with eventfd(2), which Swift's Glibc
/// module does not export.
///
/// Returns the descriptor, or the negated error number.
int cplatform_eventfd(void);

#endif
