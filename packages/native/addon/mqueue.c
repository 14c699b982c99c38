/*
 * POSIX message queues. On Linux a queue's descriptor is a file descriptor: epoll watches it, `close` closes it, and
 * the kernel opens it with close-on-exec.
 *
 * The kernel's calls are made directly: libc has them in librt or, since glibc 2.34, under a new symbol version, and
 * one binary has to load on both.
 */
#include "addon.h"

#include <limits.h>
#include <mqueue.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mqOpen(name, flags, mode, maxMessages, messageSize) -> descriptor; the name without its slash, as the kernel takes
   it; maxMessages 0 leaves both numbers to the system's defaults */
static napi_value mqueue_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  char name[NAME_MAX + 2];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, argv[0], name, sizeof name, &length) != napi_ok) return ret_int(env, -EINVAL);
  struct mq_attr attributes = {.mq_maxmsg = arg_int(env, argv[3]), .mq_msgsize = arg_int(env, argv[4])};
  return ret_sys(env, syscall(SYS_mq_open, name, arg_int(env, argv[1]), arg_uint(env, argv[2]),
                              attributes.mq_maxmsg == 0 ? NULL : &attributes));
}

/* mqUnlink(name) -> 0; the name without its slash */
static napi_value mqueue_unlink(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  char name[NAME_MAX + 2];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, argv[0], name, sizeof name, &length) != napi_ok) return ret_int(env, -EINVAL);
  return ret_sys(env, syscall(SYS_mq_unlink, name));
}

/* mqSend(fd, bytes, offset, length, priority) -> 0 */
static napi_value mqueue_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  /* An empty message is one too, and an empty array may have no memory. */
  if (at == NULL && length != 0) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_mq_timedsend, arg_int(env, argv[0]), at == NULL ? (uint8_t *)"" : at, (size_t)length,
                              arg_uint(env, argv[4]), NULL));
}

/* mqReceive(fd, bytes, offset, length, out) -> length of the message; out gets its priority as uint32 */
static napi_value mqueue_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *priority = arg_bytes(env, argv[4], 0, sizeof(unsigned));
  if (at == NULL || priority == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_mq_timedreceive, arg_int(env, argv[0]), at, (size_t)length, priority, NULL));
}

/* mqAttributes(fd, out) -> 0; out gets int32 values: flags, most messages, largest message, messages there */
static napi_value mqueue_attributes(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int32_t *out = (int32_t *)arg_bytes(env, argv[1], 0, 4 * sizeof(int32_t));
  if (out == NULL) return ret_int(env, -EFAULT);
  struct mq_attr attributes;
  if (syscall(SYS_mq_getsetattr, arg_int(env, argv[0]), NULL, &attributes) < 0) return ret_int(env, -errno);
  out[0] = (int32_t)attributes.mq_flags;
  out[1] = (int32_t)attributes.mq_maxmsg;
  out[2] = (int32_t)attributes.mq_msgsize;
  out[3] = (int32_t)attributes.mq_curmsgs;
  return ret_int(env, 0);
}

const addon_function mqueue_functions[] = {{"mqOpen", mqueue_open},           {"mqUnlink", mqueue_unlink},
                                           {"mqSend", mqueue_send},           {"mqReceive", mqueue_receive},
                                           {"mqAttributes", mqueue_attributes}, {NULL, NULL}};
