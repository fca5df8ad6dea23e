#define _GNU_SOURCE

#include "CMicrobench.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

// glibc's own, under its other name. What it gives, glibc's free and realloc take.
extern void *__libc_malloc(size_t size);

// Of each thread its own: a counter for all would cost a locked instruction at every allocation, and so
// slow down what is measured.
static _Thread_local uint64_t allocations __attribute__((tls_model("local-exec")));

void *malloc(size_t size) {
  allocations += 1;
  return __libc_malloc(size);
}

uint64_t cmicrobench_allocations(void) { return allocations; }

int cmicrobench_stay_on_core(void) {
  int core = sched_getcpu();
  if (core < 0) return errno;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores) == 0 ? 0 : errno;
}
