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
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mqOpen(name, flags, mode, maxMessages, messageSize) -> descriptor; the name without its slash, as the kernel takes
   it; maxMessages 0 leaves both numbers to the system's defaults */
static napi_value mqueue_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  NAME_STRING(name, 0, NAME_MAX + 1);
  WORD(flags, 1);
  WORD(mode, 2);
  WORD(maxMessages, 3);
  WORD(messageSize, 4);
  struct mq_attr attributes = {.mq_maxmsg = (int32_t)maxMessages, .mq_msgsize = (int32_t)messageSize};
  return ret_sys(env, syscall(SYS_mq_open, name, flags, mode,
                              attributes.mq_maxmsg == 0 ? NULL : &attributes));
}

/* mqUnlink(name) -> 0; the name without its slash */
static napi_value mqueue_unlink(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  NAME_STRING(name, 0, NAME_MAX + 1);
  return ret_sys(env, syscall(SYS_mq_unlink, name));
}

/* mqSend(fd, bytes, offset, length, priority) -> 0 */
static napi_value mqueue_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  WORD(priority, 4);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  /* An empty message is one too, and an empty array may have no memory. */
  if (at == NULL && length != 0) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_mq_timedsend, fd, at == NULL ? (uint8_t *)"" : at, (size_t)length,
                              priority, NULL));
}

/* mqReceive(fd, bytes, offset, length, out) -> length of the message; out gets its priority as uint32 */
static napi_value mqueue_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *out = arg_bytes(env, argv[4], 0, sizeof(unsigned));
  if (at == NULL || out == NULL) return ret_int(env, -EFAULT);
  unsigned priority = 0;
  int64_t received = syscall(SYS_mq_timedreceive, fd, at, (size_t)length, &priority, NULL);
  if (received >= 0) memcpy(out, &priority, sizeof priority);
  return ret_sys(env, received);
}

/* mqAttributes(fd, out) -> 0; out gets int32 values: flags, most messages, largest message, messages there */
static napi_value mqueue_attributes(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  uint8_t *out = arg_bytes(env, argv[1], 0, 4 * sizeof(int32_t));
  if (out == NULL) return ret_int(env, -EFAULT);
  struct mq_attr attributes;
  if (syscall(SYS_mq_getsetattr, fd, NULL, &attributes) < 0) return ret_int(env, -errno);
  const int32_t values[] = {(int32_t)attributes.mq_flags, (int32_t)attributes.mq_maxmsg,
                            (int32_t)attributes.mq_msgsize, (int32_t)attributes.mq_curmsgs};
  memcpy(out, values, sizeof values);
  return ret_int(env, 0);
}

const addon_function mqueue_functions[] = {{"mqOpen", mqueue_open},           {"mqUnlink", mqueue_unlink},
                                           {"mqSend", mqueue_send},           {"mqReceive", mqueue_receive},
                                           {"mqAttributes", mqueue_attributes}, {NULL, NULL}};
