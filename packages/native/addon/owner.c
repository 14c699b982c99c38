/* Whose things of System V are, and who is at the other end of a unix socket. */
#include "addon.h"

#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>

/* out: owner, creator. The creator may give the owner any name and keeps its own rights: both have to be trusted. */
static napi_value fill(napi_env env, napi_value value, const struct ipc_perm *permissions) {
  const double owners[] = {permissions->uid, permissions->cuid};
  uint8_t *out = arg_bytes(env, value, 0, sizeof owners);
  if (out == NULL) return ret_int(env, -EFAULT);
  memcpy(out, owners, sizeof owners);
  return ret_int(env, 0);
}

/* msgOwners(id, out) -> 0; two doubles */
static napi_value owner_msg(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  struct msqid_ds state;
  if (msgctl(id, IPC_STAT, &state) < 0) return ret_sys(env, -1);
  return fill(env, argv[1], &state.msg_perm);
}

/* shmOwners(id, out) -> 0; two doubles */
static napi_value owner_shm(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(id, 0);
  struct shmid_ds state;
  if (shmctl(id, IPC_STAT, &state) < 0) return ret_sys(env, -1);
  return fill(env, argv[1], &state.shm_perm);
}

/* peerUser(socket) -> the user of the process that has connected, listened or made the pair at the other end */
static napi_value owner_peer(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(socket, 0);
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return ret_sys(env, -1);
  return ret_int(env, (int64_t)peer.uid);
}

const addon_function owner_functions[] = {
    {"msgOwners", owner_msg}, {"shmOwners", owner_shm}, {"peerUser", owner_peer}, {NULL, NULL}};
