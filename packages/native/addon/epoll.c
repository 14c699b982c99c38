#include "addon.h"

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
  int fd = arg_int(env, argv[2]);
  struct epoll_event event = {.events = arg_uint(env, argv[3])};
  event.data.u64 = (uint64_t)arg_uint(env, argv[4]) << 32 | (uint32_t)fd;
  return ret_sys(env, epoll_ctl(arg_int(env, argv[0]), arg_int(env, argv[1]), fd, &event));
}

/* epollWait(epfd, out: Uint8Array over int32 triples {events, fd, generation}, maxEvents, timeoutMs) -> count */
static napi_value epoll_wait_events(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int max = arg_int(env, argv[2]);
  if (max < 1 || max > MAX_EVENTS) return ret_int(env, -EINVAL);
  int32_t *out = (int32_t *)(void *)arg_bytes(env, argv[1], 0, (int64_t)max * 12);
  if (out == NULL) return ret_int(env, -EFAULT);
  struct epoll_event events[MAX_EVENTS];
  int count = epoll_wait(arg_int(env, argv[0]), events, max, arg_int(env, argv[3]));
  for (int i = 0; i < count; i++) {
    *out++ = (int32_t)events[i].events;
    *out++ = (int32_t)(events[i].data.u64 & 0xffffffffu);
    *out++ = (int32_t)(events[i].data.u64 >> 32);
  }
  return ret_sys(env, count);
}

const addon_function epoll_functions[] = {{"epollCreate", epoll_create_fd},
                                          {"epollControl", epoll_control},
                                          {"epollWait", epoll_wait_events},
                                          {NULL, NULL}};
