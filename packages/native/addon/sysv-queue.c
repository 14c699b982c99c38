/* System V message queues: a message is a `long` type, at offset 0 of the memory that is passed, and bytes after it. */
#include "addon.h"

#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* msgGet(key, flags) -> identifier */
static napi_value queue_get(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  WORD(key, 0);
  INT(flags, 1);
  return ret_sys(env, msgget((key_t)key, flags));
}

/* Calls that never block go to the kernel directly: libc makes them cancellation points, which costs two atomics each. */

/* msgSend(id, bytes, length, flags) -> 0; bytes: the type, then `length` bytes */
static napi_value queue_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(id, 0);
  SIZE(length, 2);
  INT(flags, 3);
  uint8_t *at = length < 0 ? NULL : arg_bytes(env, argv[1], 0, (int64_t)sizeof(long) + length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_msgsnd, id, at, (size_t)length, flags));
}

/* msgReceive(id, bytes, length, type, flags) -> bytes after the type */
static napi_value queue_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(id, 0);
  SIZE(length, 2);
  SIZE(type, 3);
  INT(flags, 4);
  uint8_t *at = length < 0 ? NULL : arg_bytes(env, argv[1], 0, (int64_t)sizeof(long) + length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_msgrcv, id, at, (size_t)length, (long)type, flags));
}

/* msgStat(id, out) -> 0; out gets int64 values: messages, bytes, most bytes, last sender, last receiver, mode, key,
   seconds of the last send and receive */
static napi_value queue_stat(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  uint8_t *out = arg_bytes(env, argv[1], 0, 9 * sizeof(int64_t));
  if (out == NULL) return ret_int(env, -EFAULT);
  struct msqid_ds state;
  if (msgctl(id, IPC_STAT, &state) < 0) return ret_int(env, -errno);
  const int64_t values[] = {(int64_t)state.msg_qnum,   (int64_t)state.__msg_cbytes, (int64_t)state.msg_qbytes,
                            state.msg_lspid,           state.msg_lrpid,             state.msg_perm.mode,
                            state.msg_perm.__key,      state.msg_stime,             state.msg_rtime};
  memcpy(out, values, sizeof values);
  return ret_int(env, 0);
}

/* msgSetCapacity(id, bytes) -> 0; IPC_SET takes the structure that IPC_STAT has filled in */
static napi_value queue_set_capacity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  INTEGER(bytes, 1, 0, MAX_SAFE);
  struct msqid_ds state;
  if (msgctl(id, IPC_STAT, &state) < 0) return ret_int(env, -errno);
  state.msg_qbytes = (msglen_t)bytes;
  return ret_sys(env, msgctl(id, IPC_SET, &state));
}

/* msgRemove(id) -> 0 */
static napi_value queue_remove(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(id, 0);
  return ret_sys(env, msgctl(id, IPC_RMID, NULL));
}

const addon_function sysv_queue_functions[] = {{"msgGet", queue_get},
                                               {"msgSend", queue_send},
                                               {"msgReceive", queue_receive},
                                               {"msgStat", queue_stat},
                                               {"msgSetCapacity", queue_set_capacity},
                                               {"msgRemove", queue_remove},
                                               {NULL, NULL}};
