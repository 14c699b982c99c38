/*
 * What every file of the addon shares: reading arguments and registering functions.
 *
 * Rules of this addon. One JavaScript function makes one system call (or reads or writes one structure for one).
 * A failed call returns -errno; the TypeScript side turns it into an error. Nothing here is static or global,
 * so that any number of worker threads can load the addon at once. No loops over work, no framing, no policy.
 */
#ifndef MILLRACE_ADDON_H
#define MILLRACE_ADDON_H

#include "old-glibc.h"

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads up to N arguments into argv; missing ones are `undefined`. */
#define ARGUMENTS(N)                                                                                         \
  size_t argc = (N);                                                                                         \
  napi_value argv[(N)];                                                                                      \
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL)

static inline int32_t arg_int(napi_env env, napi_value value) {
  int32_t out = 0;
  napi_get_value_int32(env, value, &out);
  return out;
}

static inline uint32_t arg_uint(napi_env env, napi_value value) {
  uint32_t out = 0;
  napi_get_value_uint32(env, value, &out);
  return out;
}

static inline int64_t arg_int64(napi_env env, napi_value value) {
  int64_t out = 0;
  napi_get_value_int64(env, value, &out);
  return out;
}

/* The bytes [offset, offset + length) of a Uint8Array, or NULL when it does not have them all (detached memory
   has none), so that no caller can make the kernel write outside of a buffer. */
static inline uint8_t *arg_bytes(napi_env env, napi_value value, int64_t offset, int64_t length) {
  void *data = NULL;
  size_t size = 0;
  if (napi_get_buffer_info(env, value, &data, &size) != napi_ok) return NULL;
  if (offset < 0 || length < 0 || (uint64_t)offset + (uint64_t)length > size || data == NULL) return NULL;
  return (uint8_t *)data + offset;
}

static inline napi_value ret_int(napi_env env, int64_t value) {
  napi_value out;
  if (value >= INT32_MIN && value <= INT32_MAX) napi_create_int32(env, (int32_t)value, &out);
  else napi_create_int64(env, value, &out);
  return out;
}

/* The result of a system call that reports by errno. */
static inline napi_value ret_sys(napi_env env, int64_t result) { return ret_int(env, result < 0 ? -errno : result); }

typedef struct {
  const char *name;
  napi_callback call;
} addon_function;

/* Each file lists its functions; the list ends with a NULL name. */
extern const addon_function datagram_functions[];
extern const addon_function descriptor_functions[];
extern const addon_function directory_functions[];
extern const addon_function epoll_functions[];
extern const addon_function file_functions[];
extern const addon_function futex_functions[];
extern const addon_function memory_functions[];
extern const addon_function mqueue_functions[];
extern const addon_function owner_functions[];
extern const addon_function poll_functions[];
extern const addon_function posix_shm_functions[];
extern const addon_function process_functions[];
extern const addon_function rights_functions[];
extern const addon_function socket_functions[];
extern const addon_function sysv_queue_functions[];
extern const addon_function sysv_wait_functions[];
extern const addon_function sysv_shm_functions[];

/* Mapped pages as [ArrayBuffer, handle], or -errno and the pages unmapped (memory.c). */
napi_value wrap_mapping(napi_env env, void *address, size_t length);

#endif
