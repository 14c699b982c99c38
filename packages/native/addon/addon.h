/*
 * What every file of the addon shares: reading arguments and registering functions.
 *
 * Rules of this addon. One JavaScript function makes one system call (or reads or writes one structure for one).
 * A failed call returns -errno; the TypeScript side turns it into an error. Nothing here is static or global,
 * so that any number of worker threads can load the addon at once. No loops over work, no framing, no policy; but for
 * `sendEach`, which makes one call for each entry of a list.
 */
#ifndef MILLRACE_ADDON_H
#define MILLRACE_ADDON_H

#include "old-glibc.h"

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads up to N arguments into argv, missing ones are `undefined`, and the name of the function that was called. */
#define ARGUMENTS(N)                                                                                         \
  size_t argc = (N);                                                                                         \
  napi_value argv[(N)];                                                                                      \
  void *call = NULL;                                                                                         \
  napi_get_cb_info(env, info, &argc, argv, NULL, &call)

/* The largest integer of which JavaScript's numbers hold every smaller one. */
#define MAX_SAFE 9007199254740991

/*
 * What a function is given is checked before it reaches the kernel: a mistake of the caller (`close(undefined)`) throws
 * an error that names the function, the argument and what it may be; it is no -errno, which is the kernel's answer.
 * Each of these declares NAME from argv[INDEX], and returns from the function when it has thrown.
 */
#define INTEGER(NAME, INDEX, MIN, MAX)                                                                       \
  int64_t NAME;                                                                                              \
  if (!arg_integer(env, call, argv[(INDEX)], #NAME, (MIN), (MAX), &NAME)) return NULL
/* A descriptor, or an identifier; the kernel answers for those that are negative. */
#define INT(NAME, INDEX)                                                                                     \
  INTEGER(NAME##_, INDEX, INT32_MIN, INT32_MAX);                                                             \
  int NAME = (int)NAME##_
/* 32 bits, which JavaScript may hold as a negative number. */
#define WORD(NAME, INDEX)                                                                                    \
  INTEGER(NAME##_, INDEX, INT32_MIN, UINT32_MAX);                                                            \
  uint32_t NAME = (uint32_t)NAME##_
/* An offset or a length; those that lie outside of their bytes are -EFAULT, as the kernel says of an address. */
#define SIZE(NAME, INDEX) INTEGER(NAME, INDEX, -MAX_SAFE, MAX_SAFE)
#define FLAG(NAME, INDEX) INTEGER(NAME, INDEX, 0, 1)
/* A string without a NUL, in UTF-8, behind which the kernel would see another name; what is too long is -ENAMETOOLONG. */
#define NAME_STRING(NAME, INDEX, BYTES)                                                                      \
  char NAME[(BYTES)];                                                                                        \
  int NAME##_fits = arg_string(env, call, argv[(INDEX)], #NAME, NAME, (BYTES));                              \
  if (NAME##_fits < 0) return NULL;                                                                          \
  if (!NAME##_fits) return ret_int(env, -ENAMETOOLONG)

/* Throws what the TypeScript side makes of a bad argument (addon.c). */
void throw_argument(napi_env env, const char *call, const char *argument, const char *expected, napi_value value);
bool arg_integer_failed(napi_env env, const char *call, napi_value value, const char *name, int64_t min, int64_t max);
/* 1: it is in `out`; 0: it is too long; -1: it has thrown. */
int arg_string(napi_env env, const char *call, napi_value value, const char *name, char *out, size_t bytes);

/* One call of Node-API for each argument, as without the check. */
static inline bool arg_integer(napi_env env, const char *call, napi_value value, const char *name, int64_t min,
                               int64_t max, int64_t *out) {
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok && number >= (double)min && number <= (double)max) {
    *out = (int64_t)number;
    if ((double)*out == number) return true;
  }
  return arg_integer_failed(env, call, value, name, min, max);
}

/* The bytes [offset, offset + length) of a Uint8Array, or NULL when it does not have them all (detached memory
   has none), so that no caller can make the kernel write outside of a buffer. */
static inline uint8_t *arg_bytes(napi_env env, napi_value value, int64_t offset, int64_t length) {
  void *data = NULL;
  size_t size = 0;
  if (napi_get_buffer_info(env, value, &data, &size) != napi_ok) return NULL;
  if (offset < 0 || length < 0 || (uint64_t)offset > size || (uint64_t)length > size - (uint64_t)offset) return NULL;
  if (data == NULL) return NULL;
  return (uint8_t *)data + offset;
}

/* A handle is an external with the tag of its kind: an external of another kind, or another addon's, is none. */
napi_status create_handle(napi_env env, const napi_type_tag *tag, void *data, napi_finalize finalize, napi_value *out);

/* What a handle stands for; NULL when it has thrown. `expected` says where such a handle comes from. */
void *arg_handle(napi_env env, const char *call, const napi_type_tag *tag, const char *expected, napi_value value);

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
extern const addon_function halt_functions[];
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
