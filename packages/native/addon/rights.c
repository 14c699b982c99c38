/* Descriptors that travel with a datagram on a unix socket (SCM_RIGHTS). */
#include "addon.h"

#include <string.h>
#include <sys/socket.h>

/* The kernel's own limit of descriptors in one message (SCM_MAX_FD). */
#define MAX_RIGHTS 253

/* sendRights(fd, bytes, length, rights: Uint8Array over int32, count) -> bytes sent; never blocks, never raises SIGPIPE */
static napi_value rights_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(fd, 0);
  SIZE(length, 2);
  SIZE(count, 4);
  if (count < 0 || count > MAX_RIGHTS) return ret_int(env, -EINVAL);
  uint8_t *at = arg_bytes(env, argv[1], 0, length);
  uint8_t *rights = arg_bytes(env, argv[3], 0, count * (int64_t)sizeof(int));
  if (at == NULL || rights == NULL) return ret_int(env, -EFAULT);
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int[MAX_RIGHTS]))] = {0};
  struct iovec piece = {.iov_base = at, .iov_len = (size_t)length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  if (count > 0) {
    size_t size = (size_t)count * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(head), rights, size);
  }
  return ret_sys(env, sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static napi_value receive(napi_env env, napi_callback_info info, int flags) {
  ARGUMENTS(4);
  INT(fd, 0);
  SIZE(length, 2);
  uint8_t *at = arg_bytes(env, argv[1], 0, length);
  uint8_t *out = arg_bytes(env, argv[3], 0, sizeof(int32_t[1 + MAX_RIGHTS]));
  if (at == NULL || out == NULL) return ret_int(env, -EFAULT);
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int[MAX_RIGHTS]))];
  struct iovec piece = {.iov_base = at, .iov_len = (size_t)length};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int32_t count = 0;
  ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
  if (received < 0) return ret_sys(env, -1);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
    size_t size = head->cmsg_len - CMSG_LEN(0);
    count = (int32_t)(size / sizeof(int));
    memcpy(out + sizeof count, CMSG_DATA(head), size);
  }
  memcpy(out, &count, sizeof count);
  return ret_int(env, message.msg_flags & MSG_CTRUNC ? -EMFILE : received);
}

/* receiveRights(fd, bytes, length, rights out: Uint8Array over int32 {count, descriptor × 253}) -> bytes received;
   never blocks. The descriptors are closed on exec. -EMFILE: some did not fit into this process, the others are there. */
static napi_value rights_receive(napi_env env, napi_callback_info info) { return receive(env, info, 0); }

/* peekRights: the same, and the message stays; each look has descriptors of its own */
static napi_value rights_peek(napi_env env, napi_callback_info info) { return receive(env, info, MSG_PEEK); }

const addon_function rights_functions[] = {
    {"sendRights", rights_send}, {"receiveRights", rights_receive}, {"peekRights", rights_peek}, {NULL, NULL}};
