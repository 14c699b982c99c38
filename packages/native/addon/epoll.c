#include "addon.h"

#include <string.h>
#include <sys/epoll.h>

/* As many events as one call may report; bounds the copy on the stack (3 KiB). */
#define MAX_EVENTS 256

/* epollCreate() -> fd, closed on exec */
static napi_value epoll_create_fd(napi_env env, napi_callback_info info) {
  return ret_sys(env, epoll_create1(EPOLL_CLOEXEC));
}

/* epollControl(epfd, operation, fd, events, generation) -> 0. The event's data carries fd and generation, so that
   an event of a descriptor whose number has been reused can be told from one of its successor. */
static napi_value epoll_control(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(epfd, 0);
  INT(operation, 1);
  INT(fd, 2);
  WORD(events, 3);
  WORD(generation, 4);
  struct epoll_event event = {.events = events};
  event.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd;
  return ret_sys(env, epoll_ctl(epfd, operation, fd, &event));
}

/* epollWait(epfd, out: Uint8Array over int32 triples {events, fd, generation}, maxEvents, timeoutMs) -> count */
static napi_value epoll_wait_events(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(epfd, 0);
  INT(maxEvents, 2);
  INT(timeoutMs, 3);
  if (maxEvents < 1 || maxEvents > MAX_EVENTS) return ret_int(env, -EINVAL);
  uint8_t *out = arg_bytes(env, argv[1], 0, (int64_t)maxEvents * 12);
  if (out == NULL) return ret_int(env, -EFAULT);
  struct epoll_event events[MAX_EVENTS];
  int count = epoll_wait(epfd, events, maxEvents, timeoutMs);
  for (int i = 0; i < count; i++) {
    const uint32_t triple[] = {events[i].events, (uint32_t)events[i].data.u64, (uint32_t)(events[i].data.u64 >> 32)};
    memcpy(out + i * sizeof triple, triple, sizeof triple);
  }
  return ret_sys(env, count);
}

const addon_function epoll_functions[] = {{"epollCreate", epoll_create_fd},
                                          {"epollControl", epoll_control},
                                          {"epollWait", epoll_wait_events},
                                          {NULL, NULL}};
