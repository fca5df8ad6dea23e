#include "CDirtyFlag.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

// A descriptor plus one, so that zero means none.
static atomic_int watched[CDIRTYFLAG_MAX];
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static int install_error;
static struct sigaction before_segv, before_bus;

int cdirtyflag_set(int descriptor) {
  const char set = CDIRTYFLAG_SET;
  ssize_t written;
  do {
    written = pwrite(descriptor, &set, 1, 0);
  } while (written < 0 && errno == EINTR);
  if (written != 1) return written < 0 ? errno : EIO;
  return fdatasync(descriptor) == 0 ? 0 : errno;
}

void cdirtyflag_set_all(void) {
  for (int i = 0; i < CDIRTYFLAG_MAX; i++) {
    int descriptor = atomic_load(&watched[i]) - 1;
    if (descriptor >= 0) cdirtyflag_set(descriptor);
  }
}

static void handle(int signal, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  // A signal that another process has sent says nothing about the store.
  if (info->si_code > 0) cdirtyflag_set_all();
  // The instruction runs again when this returns, and then reaches the earlier handler: a backtracer, or the
  // kernel's default.
  sigaction(signal, signal == SIGBUS ? &before_bus : &before_segv, NULL);
  // A signal that a process has sent must be raised again, because no instruction will raise it.
  if (info->si_code <= 0) raise(signal);
  errno = saved;
}

static void install(void) {
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  // On the alternate stack if the thread has one, because the fault may be an overflow of the normal stack.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, &before_segv) != 0 || sigaction(SIGBUS, &action, &before_bus) != 0)
    install_error = errno;
}

int cdirtyflag_watch(int descriptor) {
  pthread_once(&installed, install);
  if (install_error) return install_error;
  for (int i = 0; i < CDIRTYFLAG_MAX; i++) {
    int none = 0;
    if (atomic_compare_exchange_strong(&watched[i], &none, descriptor + 1)) return 0;
  }
  return EMFILE;
}

void cdirtyflag_forget(int descriptor) {
  for (int i = 0; i < CDIRTYFLAG_MAX; i++) {
    int ours = descriptor + 1;
    atomic_compare_exchange_strong(&watched[i], &ours, 0);
  }
}
