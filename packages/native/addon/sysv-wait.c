/*
 * Waiting on a System V queue, which is no descriptor: a thread of its own sleeps in the kernel and writes to an
 * eventfd when its call has returned. The thread makes one call each time that it is told to; what to call, and what
 * follows, is said in TypeScript.
 *
 *   msgWaiterReceive: msgrcv for at most 0 bytes. It returns -E2BIG as soon as there is a message of the type, which
 *                     stays where it is; only a message that has no bytes is taken, and then the result is 0.
 *   msgWaiterSend:    msgsnd of a message that the queue had no room for.
 *
 * A waiter is cancelled and joined when it is closed, when its handle is collected and when its Node thread ends (the
 * addon may be unmapped after that). musl, and glibc since 2.41, cancel a call or let it have its effect, never both;
 * an older glibc can, between two instructions, cancel a call that has just had it.
 */
#include "addon.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

static const napi_type_tag WAITER = {0x6d696c6c72616365, 0x0000776169746572};

enum { IDLE, RUNNING, DONE };

typedef struct {
  pthread_t thread;
  sem_t orders;
  napi_env env;
  /* RUNNING is stored before sem_post; DONE is released by the thread and acquired by msgWaiterResult, and makes
     `result` and the type in `message` visible. */
  _Atomic int state;
  int id, signal_fd;
  bool sending, closed;
  long type;
  int64_t result;
  uint8_t *message; /* a `long` type, then bytes */
  size_t length;
} waiter;

static void *waiter_main(void *data) {
  waiter *wait = data;
  const uint64_t one = 1;
  for (;;) {
    if (sem_wait(&wait->orders) < 0) continue;
    ssize_t result = wait->sending ? msgsnd(wait->id, wait->message, wait->length, 0)
                                   : msgrcv(wait->id, wait->message, 0, wait->type, 0);
    wait->result = result < 0 ? -errno : result;
    atomic_store_explicit(&wait->state, DONE, memory_order_release);
    /* An eventfd takes a write unless its count is near 2^64. */
    if (write(wait->signal_fd, &one, sizeof one) < 0) continue;
  }
  return NULL;
}

static void waiter_end(void *data) {
  waiter *wait = data;
  if (wait->closed) return;
  wait->closed = true;
  pthread_cancel(wait->thread);
  pthread_join(wait->thread, NULL);
  sem_destroy(&wait->orders);
}

static void waiter_collected(napi_env env, void *data, void *hint) {
  waiter *wait = data;
  if (!wait->closed) napi_remove_env_cleanup_hook(env, waiter_end, wait);
  waiter_end(wait);
  free(wait->message);
  free(wait);
}

/* No signal of the process is handled on this thread: handlers belong to Node's. */
static int waiter_start(waiter *wait) {
  enum { STACK_BYTES = 128 * 1024 };
  sigset_t all, before;
  pthread_attr_t attributes;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int failed = pthread_create(&wait->thread, &attributes, waiter_main, wait);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed == 0) pthread_setname_np(wait->thread, "millrace-msgq");
  return failed;
}

/* msgWaiterOpen(id, eventfd) -> handle or -errno */
static napi_value waiter_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  INT(eventfd, 1);
  waiter *wait = calloc(1, sizeof *wait);
  if (wait == NULL) return ret_int(env, -ENOMEM);
  wait->message = calloc(1, sizeof(long));
  wait->env = env;
  wait->id = id;
  wait->signal_fd = eventfd;
  sem_init(&wait->orders, 0, 0);
  int failed = wait->message == NULL ? ENOMEM : waiter_start(wait);
  if (failed != 0) {
    sem_destroy(&wait->orders);
    free(wait->message);
    free(wait);
    return ret_int(env, -failed);
  }
  napi_value external;
  if (create_handle(env, &WAITER, wait, waiter_collected, &external) != napi_ok) {
    waiter_end(wait);
    free(wait->message);
    free(wait);
    return ret_int(env, -ENOMEM);
  }
  napi_add_env_cleanup_hook(env, waiter_end, wait);
  return external;
}

/* Declares `wait` from argv[0]; returns when it is no handle of msgWaiterOpen, or one that has been closed. */
#define WAITER_ARGUMENT                                                                                         \
  waiter *wait = arg_handle(env, call, &WAITER, "a handle of msgWaiterOpen", argv[0]);                             \
  if (wait == NULL) return NULL;                                                                              \
  if (wait->closed) return ret_int(env, -EBADF)

static napi_value waiter_order(napi_env env, waiter *wait) {
  atomic_store_explicit(&wait->state, RUNNING, memory_order_relaxed);
  return ret_sys(env, sem_post(&wait->orders));
}

/* msgWaiterReceive(handle, type) -> 0; -EBUSY while its last call is under way, or its result is to be asked for still:
   it may have taken a message */
static napi_value waiter_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  SIZE(type, 1);
  WAITER_ARGUMENT;
  if (atomic_load_explicit(&wait->state, memory_order_acquire) != IDLE) return ret_int(env, -EBUSY);
  wait->sending = false;
  wait->type = (long)type;
  return waiter_order(env, wait);
}

/* msgWaiterSend(handle, bytes, length) -> 0; bytes: the type, then `length` bytes, copied */
static napi_value waiter_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  SIZE(length, 2);
  WAITER_ARGUMENT;
  if (atomic_load_explicit(&wait->state, memory_order_acquire) == RUNNING) return ret_int(env, -EBUSY);
  uint8_t *at = length < 0 ? NULL : arg_bytes(env, argv[1], 0, (int64_t)sizeof(long) + length);
  if (at == NULL) return ret_int(env, -EFAULT);
  uint8_t *message = realloc(wait->message, sizeof(long) + (size_t)length);
  if (message == NULL) return ret_int(env, -ENOMEM);
  memcpy(message, at, sizeof(long) + (size_t)length);
  wait->message = message;
  wait->length = (size_t)length;
  wait->sending = true;
  return waiter_order(env, wait);
}

/* msgWaiterResult(handle, out) -> what the call returned, once; -EINPROGRESS while it is under way, -EAGAIN after that.
   out gets the type of a message that was taken, as int64 */
static napi_value waiter_result(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  WAITER_ARGUMENT;
  uint8_t *type = arg_bytes(env, argv[1], 0, sizeof(int64_t));
  if (type == NULL) return ret_int(env, -EFAULT);
  int state = atomic_load_explicit(&wait->state, memory_order_acquire);
  if (state != DONE) return ret_int(env, state == RUNNING ? -EINPROGRESS : -EAGAIN);
  atomic_store_explicit(&wait->state, IDLE, memory_order_relaxed);
  memcpy(type, wait->message, sizeof(int64_t));
  return ret_int(env, wait->result);
}

/* msgWaiterClose(handle, out) -> what its call returned if that was not asked for yet, -ECANCELED if it was cancelled
   (or had none). Waits for the thread, which the kernel wakes for this. out as for msgWaiterResult */
static napi_value waiter_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  WAITER_ARGUMENT;
  uint8_t *type = arg_bytes(env, argv[1], 0, sizeof(int64_t));
  if (type == NULL) return ret_int(env, -EFAULT);
  napi_remove_env_cleanup_hook(env, waiter_end, wait);
  waiter_end(wait);
  memcpy(type, wait->message, sizeof(int64_t));
  return ret_int(env, atomic_load_explicit(&wait->state, memory_order_acquire) == DONE ? wait->result : -ECANCELED);
}

const addon_function sysv_wait_functions[] = {{"msgWaiterOpen", waiter_open},     {"msgWaiterReceive", waiter_receive},
                                              {"msgWaiterSend", waiter_send},     {"msgWaiterResult", waiter_result},
                                              {"msgWaiterClose", waiter_close},   {NULL, NULL}};
