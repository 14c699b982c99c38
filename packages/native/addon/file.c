/* Regular files. */
#include "addon.h"

#include <sys/sendfile.h>
#include <unistd.h>

/* sendFile(socket, file, offset, length) -> count, without a copy in user space; the file's own position stays */
static napi_value file_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  off_t offset = arg_int64(env, argv[2]);
  return ret_sys(env, sendfile(arg_int(env, argv[0]), arg_int(env, argv[1]), &offset, (size_t)arg_int64(env, argv[3])));
}

/* readAt(file, bytes, offset, length, position) -> count; the file's own position stays */
static napi_value file_read_at(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, pread(arg_int(env, argv[0]), at, (size_t)length, arg_int64(env, argv[4])));
}

const addon_function file_functions[] = {{"sendFile", file_send}, {"readAt", file_read_at}, {NULL, NULL}};
