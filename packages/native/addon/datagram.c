/* Datagrams, whose addresses cross as the kernel's own bytes, as those of socket.c do. */
#include "addon.h"

#include <string.h>
#include <sys/socket.h>

/* sendTo(fd, bytes, offset, length, address, addressLength) -> count; never blocks, never raises SIGPIPE */
static napi_value datagram_send_to(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]), size = arg_int64(env, argv[5]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *address = arg_bytes(env, argv[4], 0, size);
  if ((at == NULL && length > 0) || address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, sendto(arg_int(env, argv[0]), at, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL,
                             (struct sockaddr *)address, (socklen_t)size));
}

/* receiveFrom(fd, bytes, offset, length, address out of 128 bytes) -> size of the datagram, which is more than length
   when its end was cut off; never blocks. The address is cleared first: a unix sender without a name gives none. */
static napi_value datagram_receive_from(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  socklen_t size = sizeof(struct sockaddr_storage);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *address = arg_bytes(env, argv[4], 0, size);
  if (at == NULL || address == NULL) return ret_int(env, -EFAULT);
  memset(address, 0, size);
  return ret_sys(env, recvfrom(arg_int(env, argv[0]), at, (size_t)length, MSG_DONTWAIT | MSG_TRUNC,
                               (struct sockaddr *)address, &size));
}

/* sendParts(fd, head, headLength, bytes, offset, length) -> count; one datagram of two pieces, which are put together
   nowhere but in the kernel; never blocks, never raises SIGPIPE */
static napi_value datagram_send_parts(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  int64_t head_length = arg_int64(env, argv[2]), offset = arg_int64(env, argv[4]), length = arg_int64(env, argv[5]);
  uint8_t *head = arg_bytes(env, argv[1], 0, head_length);
  uint8_t *at = arg_bytes(env, argv[3], offset, length);
  if (head == NULL || at == NULL) return ret_int(env, -EFAULT);
  struct iovec pieces[] = {{.iov_base = head, .iov_len = (size_t)head_length},
                           {.iov_base = at, .iov_len = (size_t)length}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  return ret_sys(env, sendmsg(arg_int(env, argv[0]), &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

const addon_function datagram_functions[] = {
    {"sendTo", datagram_send_to}, {"receiveFrom", datagram_receive_from}, {"sendParts", datagram_send_parts}, {NULL, NULL}};
