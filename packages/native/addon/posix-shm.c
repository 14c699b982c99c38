/* What a named file of shared memory needs beyond what Node's own file functions do. */
#include "addon.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* reserve(fd, length) -> 0; makes the file as long and takes its pages now: ENOSPC here, and no SIGBUS later */
static napi_value posix_shm_reserve(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int64_t length = arg_int64(env, argv[1]);
  if (length <= 0) return ret_int(env, -EINVAL);
  return ret_sys(env, fallocate(arg_int(env, argv[0]), 0, 0, length));
}

/* linkDescriptor(fd, path) -> 0; gives a file without a name one, in one step; -EEXIST when the name is taken */
static napi_value posix_shm_link(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  char path[4096], source[64];
  size_t used;
  if (napi_get_value_string_utf8(env, argv[1], path, sizeof path, &used) != napi_ok) return ret_int(env, -EINVAL);
  if (used == sizeof path - 1) return ret_int(env, -ENAMETOOLONG);
  snprintf(source, sizeof source, "/proc/self/fd/%d", arg_int(env, argv[0]));
  return ret_sys(env, linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
}

const addon_function posix_shm_functions[] = {
    {"reserve", posix_shm_reserve}, {"linkDescriptor", posix_shm_link}, {NULL, NULL}};
