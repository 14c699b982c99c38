/* System V shared memory. */
#include "addon.h"

#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

/* shmGet(key, length, flags) -> id */
static napi_value sysv_shm_get(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  WORD(key, 0);
  SIZE(length, 1);
  INT(flags, 2);
  if (length < 0) return ret_int(env, -EINVAL);
  return ret_sys(env, shmget((key_t)key, (size_t)length, flags));
}

/* shmAttach(id, length) -> [ArrayBuffer, handle] or -errno; `length` must be the segment's, and munmap detaches it */
static napi_value sysv_shm_attach(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  SIZE(length, 1);
  if (length <= 0) return ret_int(env, -EINVAL);
  struct shmid_ds status;
  if (shmctl(id, IPC_STAT, &status) < 0) return ret_sys(env, -1);
  if (status.shm_segsz != (size_t)length) return ret_int(env, -EINVAL);
  void *address = shmat(id, NULL, 0);
  if (address == (void *)-1) return ret_sys(env, -1);
  return wrap_mapping(env, address, (size_t)length);
}

/* shmStat(id, out) -> 0; fills 8 doubles: length, mode, creator's pid, last pid, attached, changed at (s), uid, key */
static napi_value sysv_shm_stat(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  uint8_t *out = arg_bytes(env, argv[1], 0, 8 * sizeof(double));
  if (out == NULL) return ret_int(env, -EFAULT);
  struct shmid_ds status;
  if (shmctl(id, IPC_STAT, &status) < 0) return ret_sys(env, -1);
  const double values[] = {(double)status.shm_segsz,  status.shm_perm.mode & 0777, status.shm_cpid,
                           status.shm_lpid,           (double)status.shm_nattch,   (double)status.shm_ctime,
                           status.shm_perm.uid,       (double)(uint32_t)status.shm_perm.__key};
  memcpy(out, values, sizeof values);
  return ret_int(env, 0);
}

/* shmSetMode(id, mode) -> 0 */
static napi_value sysv_shm_set_mode(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  INTEGER(mode, 1, 0, 0777);
  struct shmid_ds status;
  if (shmctl(id, IPC_STAT, &status) < 0) return ret_sys(env, -1);
  status.shm_perm.mode = (unsigned short)mode;
  return ret_sys(env, shmctl(id, IPC_SET, &status));
}

/* shmRemove(id) -> 0; the memory goes with the last who is attached */
static napi_value sysv_shm_remove(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(id, 0);
  return ret_sys(env, shmctl(id, IPC_RMID, NULL));
}

/* populate(bytes, offset, length) -> 0; takes the pages now, of memory whose `offset` begins one */
static napi_value sysv_shm_populate(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  SIZE(offset, 1);
  SIZE(length, 2);
  uint8_t *at = arg_bytes(env, argv[0], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
  return ret_sys(env, madvise(at, (size_t)length, MADV_POPULATE_WRITE));
}

const addon_function sysv_shm_functions[] = {{"shmGet", sysv_shm_get},       {"shmAttach", sysv_shm_attach},
                                             {"shmStat", sysv_shm_stat},     {"shmSetMode", sysv_shm_set_mode},
                                             {"shmRemove", sysv_shm_remove},
                                             {"populate", sysv_shm_populate}, {NULL, NULL}};
