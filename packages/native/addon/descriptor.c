/* Calls that any descriptor understands. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* read(fd, bytes, offset, length) -> count */
static napi_value fd_read(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, read(fd, at, (size_t)length));
}

/* write(fd, bytes, offset, length) -> count */
static napi_value fd_write(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, write(fd, at, (size_t)length));
}

static napi_value fd_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  return ret_sys(env, close(fd));
}

/* duplicate(fd) -> another descriptor of the same, closed on exec */
static napi_value fd_duplicate(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  return ret_sys(env, fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

/* duplicateTo(fd, target) -> target, which is closed if it was open, and stays open on exec */
static napi_value fd_duplicate_to(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  INT(target, 1);
  return ret_sys(env, dup2(fd, target));
}

/* setCloseOnExec(fd, on) -> 0 */
static napi_value fd_set_close_on_exec(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  FLAG(on, 1);
  return ret_sys(env, fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0));
}

/* setNonBlocking(fd, on) -> 0 */
static napi_value fd_set_non_blocking(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  FLAG(on, 1);
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return ret_sys(env, -1);
  flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return ret_sys(env, fcntl(fd, F_SETFL, flags));
}

/* eventfd() -> fd, non-blocking and closed on exec */
static napi_value fd_eventfd(napi_env env, napi_callback_info info) {
  return ret_sys(env, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/* eventfdSignal(fd) -> 0; adds 1 to the counter */
static napi_value fd_eventfd_signal(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  return ret_sys(env, eventfd_write(fd, 1));
}

/* eventfdDrain(fd) -> 0 when the counter was set, -EAGAIN when it was not */
static napi_value fd_eventfd_drain(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  eventfd_t count;
  return ret_sys(env, eventfd_read(fd, &count));
}

/* pipe(out: Uint8Array over two int32) -> 0; the end to read and the one to write, closed on exec */
static napi_value fd_pipe(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  uint8_t *out = arg_bytes(env, argv[0], 0, sizeof(int[2]));
  if (out == NULL) return ret_int(env, -EFAULT);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return ret_sys(env, -1);
  memcpy(out, ends, sizeof ends);
  return ret_int(env, 0);
}

const addon_function descriptor_functions[] = {{"read", fd_read},
                                               {"write", fd_write},
                                               {"close", fd_close},
                                               {"duplicate", fd_duplicate},
                                               {"duplicateTo", fd_duplicate_to},
                                               {"pipe", fd_pipe},
                                               {"setCloseOnExec", fd_set_close_on_exec},
                                               {"setNonBlocking", fd_set_non_blocking},
                                               {"eventfd", fd_eventfd},
                                               {"eventfdSignal", fd_eventfd_signal},
                                               {"eventfdDrain", fd_eventfd_drain},
                                               {NULL, NULL}};
