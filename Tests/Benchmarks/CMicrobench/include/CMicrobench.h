#ifndef CMICROBENCH_H
#define CMICROBENCH_H

#include <stdint.h>

/// How many blocks of memory the calling thread has asked `malloc` for since it began. A program that
/// links this has a `malloc` that counts; other ways to memory are not counted.
uint64_t cmicrobench_allocations(void);

/// Has the calling thread, and those that it starts, run where it runs now.
///
/// Returns 0, or an error number.
int cmicrobench_stay_on_core(void);

#endif
