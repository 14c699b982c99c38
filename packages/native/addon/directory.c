/* Files named relative to an open directory: what a path would lead to cannot change between two calls. */
#include "addon.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openAt(directory or AT_FDCWD, path, flags, mode) -> fd, closed on exec */
static napi_value directory_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(directory, 0);
  NAME_STRING(path, 1, PATH_MAX);
  WORD(flags, 2);
  WORD(mode, 3);
  return ret_sys(env, openat(directory, path, (int)flags | O_CLOEXEC, (mode_t)mode));
}

/* makeDirectoryAt(directory or AT_FDCWD, path, mode) -> 0 */
static napi_value directory_make(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(directory, 0);
  NAME_STRING(path, 1, PATH_MAX);
  WORD(mode, 2);
  return ret_sys(env, mkdirat(directory, path, (mode_t)mode));
}

/* unlinkAt(directory or AT_FDCWD, path, flags) -> 0; AT_REMOVEDIR: an empty directory */
static napi_value directory_unlink(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(directory, 0);
  NAME_STRING(path, 1, PATH_MAX);
  WORD(flags, 2);
  return ret_sys(env, unlinkat(directory, path, (int)flags));
}

/* readLinkAt(directory or AT_FDCWD, path, bytes) -> bytes of the link's target, cut off at the end of `bytes`. An empty path:
   the link that `directory` is open for (O_PATH) */
static napi_value directory_link(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(directory, 0);
  NAME_STRING(path, 1, PATH_MAX);
  void *data = NULL;
  size_t size = 0;
  if (napi_get_buffer_info(env, argv[2], &data, &size) != napi_ok || data == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, readlinkat(directory, path, data, size));
}

/* readEntries(directory, bytes) -> how many bytes were filled with `struct linux_dirent64`, 0 at the end; goes on
   where the last call on the same descriptor has stopped */
static napi_value directory_entries(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(directory, 0);
  void *data = NULL;
  size_t size = 0;
  if (napi_get_buffer_info(env, argv[1], &data, &size) != napi_ok || data == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_getdents64, directory, data, (unsigned int)(size > INT32_MAX ? INT32_MAX : size)));
}

const addon_function directory_functions[] = {{"openAt", directory_open},
                                              {"makeDirectoryAt", directory_make},
                                              {"unlinkAt", directory_unlink},
                                              {"readLinkAt", directory_link},
                                              {"readEntries", directory_entries},
                                              {NULL, NULL}};
