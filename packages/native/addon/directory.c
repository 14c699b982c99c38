/* Files named relative to an open directory: what a path would lead to cannot change between two calls. */
#include "addon.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* Reads a path; 0, or -errno. One with a NUL would be cut off there, and name something else. */
static int read_path(napi_env env, napi_value value, char path[PATH_BYTES]) {
  size_t used;
  if (napi_get_value_string_utf8(env, value, path, PATH_BYTES, &used) != napi_ok) return -EINVAL;
  if (used == PATH_BYTES - 1) return -ENAMETOOLONG;
  return strlen(path) == used ? 0 : -EINVAL;
}

/* openAt(directory or AT_FDCWD, path, flags, mode) -> fd, closed on exec */
static napi_value directory_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  char path[PATH_BYTES];
  int failed = read_path(env, argv[1], path);
  if (failed < 0) return ret_int(env, failed);
  return ret_sys(env, openat(arg_int(env, argv[0]), path, arg_int(env, argv[2]) | O_CLOEXEC, (mode_t)arg_uint(env, argv[3])));
}

/* makeDirectoryAt(directory or AT_FDCWD, path, mode) -> 0 */
static napi_value directory_make(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  char path[PATH_BYTES];
  int failed = read_path(env, argv[1], path);
  if (failed < 0) return ret_int(env, failed);
  return ret_sys(env, mkdirat(arg_int(env, argv[0]), path, (mode_t)arg_uint(env, argv[2])));
}

/* unlinkAt(directory or AT_FDCWD, path, flags) -> 0; AT_REMOVEDIR: an empty directory */
static napi_value directory_unlink(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  char path[PATH_BYTES];
  int failed = read_path(env, argv[1], path);
  if (failed < 0) return ret_int(env, failed);
  return ret_sys(env, unlinkat(arg_int(env, argv[0]), path, arg_int(env, argv[2])));
}

/* readEntries(directory, bytes) -> how many bytes were filled with `struct linux_dirent64`, 0 at the end; goes on
   where the last call on the same descriptor has stopped */
static napi_value directory_entries(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  void *data = NULL;
  size_t size = 0;
  if (napi_get_buffer_info(env, argv[1], &data, &size) != napi_ok || data == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_getdents64, arg_int(env, argv[0]), data, (unsigned int)(size > INT32_MAX ? INT32_MAX : size)));
}

const addon_function directory_functions[] = {{"openAt", directory_open},
                                              {"makeDirectoryAt", directory_make},
                                              {"unlinkAt", directory_unlink},
                                              {"readEntries", directory_entries},
                                              {NULL, NULL}};
