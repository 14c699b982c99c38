/* Regular files. */
#include "addon.h"

#include <sys/sendfile.h>
#include <unistd.h>

/* sendFile(socket, file, offset, length) -> count, without a copy in user space; the file's own position stays */
static napi_value file_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(socket, 0);
  INT(file, 1);
  INTEGER(offset, 2, 0, MAX_SAFE);
  INTEGER(length, 3, 0, MAX_SAFE);
  off_t from = offset;
  return ret_sys(env, sendfile(socket, file, &from, (size_t)length));
}

/* readAt(file, bytes, offset, length, position) -> count; the file's own position stays */
static napi_value file_read_at(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(file, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  INTEGER(position, 4, 0, MAX_SAFE);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, pread(file, at, (size_t)length, position));
}

const addon_function file_functions[] = {{"sendFile", file_send}, {"readAt", file_read_at}, {NULL, NULL}};
