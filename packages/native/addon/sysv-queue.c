/* System V message queues: a message is a `long` type, at offset 0 of the memory that is passed, and bytes after it. */
#include "addon.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* msgGet(key, flags) -> identifier */
static napi_value queue_get(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  return ret_sys(env, msgget((key_t)arg_int(env, argv[0]), arg_int(env, argv[1])));
}

/* Calls that never block go to the kernel directly: libc makes them cancellation points, which costs two atomics each. */

/* msgSend(id, bytes, length, flags) -> 0; bytes: the type, then `length` bytes */
static napi_value queue_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int64_t length = arg_int64(env, argv[2]);
  uint8_t *at = length < 0 ? NULL : arg_bytes(env, argv[1], 0, (int64_t)sizeof(long) + length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_msgsnd, arg_int(env, argv[0]), at, (size_t)length, arg_int(env, argv[3])));
}

/* msgReceive(id, bytes, length, type, flags) -> bytes after the type */
static napi_value queue_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int64_t length = arg_int64(env, argv[2]);
  uint8_t *at = length < 0 ? NULL : arg_bytes(env, argv[1], 0, (int64_t)sizeof(long) + length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_msgrcv, arg_int(env, argv[0]), at, (size_t)length, (long)arg_int64(env, argv[3]),
                              arg_int(env, argv[4])));
}

/* msgStat(id, out) -> 0; out gets int64 values: messages, bytes, most bytes, last sender, last receiver, mode, key,
   seconds of the last send and receive */
static napi_value queue_stat(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int64_t *out = (int64_t *)arg_bytes(env, argv[1], 0, 9 * sizeof(int64_t));
  if (out == NULL) return ret_int(env, -EFAULT);
  struct msqid_ds state;
  if (msgctl(arg_int(env, argv[0]), IPC_STAT, &state) < 0) return ret_int(env, -errno);
  out[0] = (int64_t)state.msg_qnum;
  out[1] = (int64_t)state.__msg_cbytes;
  out[2] = (int64_t)state.msg_qbytes;
  out[3] = state.msg_lspid;
  out[4] = state.msg_lrpid;
  out[5] = state.msg_perm.mode;
  out[6] = state.msg_perm.__key;
  out[7] = state.msg_stime;
  out[8] = state.msg_rtime;
  return ret_int(env, 0);
}

/* msgSetCapacity(id, bytes) -> 0; IPC_SET takes the structure that IPC_STAT has filled in */
static napi_value queue_set_capacity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  struct msqid_ds state;
  if (msgctl(arg_int(env, argv[0]), IPC_STAT, &state) < 0) return ret_int(env, -errno);
  state.msg_qbytes = (msglen_t)arg_int64(env, argv[1]);
  return ret_sys(env, msgctl(arg_int(env, argv[0]), IPC_SET, &state));
}

/* msgRemove(id) -> 0 */
static napi_value queue_remove(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  return ret_sys(env, msgctl(arg_int(env, argv[0]), IPC_RMID, NULL));
}

const addon_function sysv_queue_functions[] = {{"msgGet", queue_get},
                                               {"msgSend", queue_send},
                                               {"msgReceive", queue_receive},
                                               {"msgStat", queue_stat},
                                               {"msgSetCapacity", queue_set_capacity},
                                               {"msgRemove", queue_remove},
                                               {NULL, NULL}};
