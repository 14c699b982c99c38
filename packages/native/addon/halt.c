/*
 * Telling of a process's halt before its end. A thread with a table of descriptors of its own holds one descriptor alone: when the process is
 * killed the kernel ends each thread by itself, closes what only that thread holds, and gives the memory of all back
 * with the last of them, which takes milliseconds. Until then neither the parent nor a pidfd hears of it.
 *
 * The thread is never told to end: it makes no call after it has its table but one that waits for ever, and the addon
 * stays mapped as long as the process, since the file is loaded once for all threads and its first environment is the main thread's.
 */
#include "addon.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.9; the C library's headers may be older. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
enum { CLOSE_RANGE_OWN_TABLE = 1U << 1 };

typedef struct {
  sem_t done;
  int fd, error;
} holding;

/* unshare(CLONE_FILES) would do the same, and is refused in many containers, as whatever else that call can do. */
static void *hold(void *data) {
  holding *order = data;
  unsigned fd = (unsigned)order->fd;
  long made = syscall(SYS_close_range, fd + 1, ~0U, CLOSE_RANGE_OWN_TABLE);
  if (made == 0 && fd > 0) made = syscall(SYS_close_range, 0U, fd - 1, 0U);
  order->error = made < 0 ? errno : 0;
  /* `order` is the caller's stack: it is gone after this. */
  sem_post(&order->done);
  if (made < 0) return NULL;
  for (;;) pause();
}

/* holdInThread(fd) -> 0 once a thread holds that descriptor by itself, until the process ends; the caller's own stays
   open. -ENOSYS before Linux 5.9, -EPERM where the call is not allowed: then there is no such thread. */
static napi_value halt_hold(napi_env env, napi_callback_info info) {
  enum { STACK_BYTES = 128 * 1024 };
  ARGUMENTS(1);
  INTEGER(fd, 0, 0, INT32_MAX);
  holding order = {.fd = (int)fd};
  sem_init(&order.done, 0, 0);
  /* No signal of the process is handled on this thread: handlers belong to Node's. */
  sigset_t all, before;
  pthread_t thread;
  pthread_attr_t attributes;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int failed = pthread_create(&thread, &attributes, hold, &order);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed == 0) {
    pthread_setname_np(thread, "millrace-halt");
    pthread_detach(thread);
    while (sem_wait(&order.done) < 0) continue;
    failed = order.error;
  }
  sem_destroy(&order.done);
  return ret_int(env, -failed);
}

const addon_function halt_functions[] = {{"holdInThread", halt_hold}, {NULL, NULL}};
