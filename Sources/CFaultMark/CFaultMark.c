#include "CFaultMark.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

// A descriptor plus one, so that zero means none.
static atomic_int watched[CFAULTMARK_MAX];
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static int install_error;
static struct sigaction before_segv, before_bus;

int cfaultmark_set(int descriptor) {
  const char set = CFAULTMARK_SET;
  ssize_t written;
  do {
    written = pwrite(descriptor, &set, 1, 0);
  } while (written < 0 && errno == EINTR);
  if (written != 1) return written < 0 ? errno : EIO;
  return fdatasync(descriptor) == 0 ? 0 : errno;
}

void cfaultmark_set_all(void) {
  for (int i = 0; i < CFAULTMARK_MAX; i++) {
    int descriptor = atomic_load(&watched[i]) - 1;
    if (descriptor >= 0) cfaultmark_set(descriptor);
  }
}

static void handle(int signal, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  // A signal that somebody has sent says nothing of the store.
  if (info->si_code > 0) cfaultmark_set_all();
  // The instruction is run again when this returns, and then meets whoever was here before: a
  // backtracer, or the kernel's own way.
  sigaction(signal, signal == SIGBUS ? &before_bus : &before_segv, NULL);
  // Not a fault of ours but sent by a process: no instruction will raise it again.
  if (info->si_code <= 0) raise(signal);
  errno = saved;
}

static void install(void) {
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  // On the alternate stack where the thread has one: the fault may be an overflow of the usual one.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, &before_segv) != 0 || sigaction(SIGBUS, &action, &before_bus) != 0)
    install_error = errno;
}

int cfaultmark_watch(int descriptor) {
  pthread_once(&installed, install);
  if (install_error) return install_error;
  for (int i = 0; i < CFAULTMARK_MAX; i++) {
    int none = 0;
    if (atomic_compare_exchange_strong(&watched[i], &none, descriptor + 1)) return 0;
  }
  return EMFILE;
}

void cfaultmark_forget(int descriptor) {
  for (int i = 0; i < CFAULTMARK_MAX; i++) {
    int ours = descriptor + 1;
    atomic_compare_exchange_strong(&watched[i], &ours, 0);
  }
}
