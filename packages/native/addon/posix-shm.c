/* What a named file of shared memory needs beyond what Node's own file functions do. */
#include "addon.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* reserve(fd, length) -> 0; makes the file as long and takes its pages now: ENOSPC here, and no SIGBUS later */
static napi_value posix_shm_reserve(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  SIZE(length, 1);
  if (length <= 0) return ret_int(env, -EINVAL);
  return ret_sys(env, fallocate(fd, 0, 0, length));
}

/* linkDescriptor(fd, path) -> 0; gives a file without a name one, in one step; -EEXIST when the name is taken */
static napi_value posix_shm_link(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  NAME_STRING(path, 1, PATH_MAX);
  char source[64];
  snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
  return ret_sys(env, linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
}

const addon_function posix_shm_functions[] = {
    {"reserve", posix_shm_reserve}, {"linkDescriptor", posix_shm_link}, {NULL, NULL}};
