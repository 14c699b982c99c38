/* Datagrams, whose addresses cross as the kernel's own bytes, as those of socket.c do. */
#include "addon.h"

#include <string.h>
#include <sys/socket.h>

/* sendTo(fd, bytes, offset, length, address, addressLength) -> count; never blocks, never raises SIGPIPE */
static napi_value datagram_send_to(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  SIZE(addressLength, 5);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *address = arg_bytes(env, argv[4], 0, addressLength);
  if ((at == NULL && length > 0) || address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, sendto(fd, at, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL,
                             (struct sockaddr *)address, (socklen_t)addressLength));
}

/* receiveFrom(fd, bytes, offset, length, address out of 128 bytes) -> size of the datagram, which is more than length
   when its end was cut off; never blocks. The address is cleared first: a unix sender without a name gives none. */
static napi_value datagram_receive_from(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  socklen_t size = sizeof(struct sockaddr_storage);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  uint8_t *address = arg_bytes(env, argv[4], 0, size);
  if (at == NULL || address == NULL) return ret_int(env, -EFAULT);
  memset(address, 0, size);
  return ret_sys(env, recvfrom(fd, at, (size_t)length, MSG_DONTWAIT | MSG_TRUNC,
                               (struct sockaddr *)address, &size));
}

/* sendParts(fd, head, headLength, bytes, offset, length) -> count; one datagram of two pieces, which are put together
   nowhere but in the kernel; never blocks, never raises SIGPIPE */
static napi_value datagram_send_parts(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  INT(fd, 0);
  SIZE(headLength, 2);
  SIZE(offset, 4);
  SIZE(length, 5);
  uint8_t *head = arg_bytes(env, argv[1], 0, headLength);
  uint8_t *at = arg_bytes(env, argv[3], offset, length);
  if (head == NULL || at == NULL) return ret_int(env, -EFAULT);
  struct iovec pieces[] = {{.iov_base = head, .iov_len = (size_t)headLength},
                           {.iov_base = at, .iov_len = (size_t)length}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  return ret_sys(env, sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

const addon_function datagram_functions[] = {
    {"sendTo", datagram_send_to}, {"receiveFrom", datagram_receive_from}, {"sendParts", datagram_send_parts}, {NULL, NULL}};
