#include "addon.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Addresses cross as the kernel's own bytes (struct sockaddr in a Uint8Array); encode and decode are apart. */

/* socket(domain, type, protocol) -> fd, non-blocking and closed on exec */
static napi_value socket_create(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int type = arg_int(env, argv[1]) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return ret_sys(env, socket(arg_int(env, argv[0]), type, arg_int(env, argv[2])));
}

/* socketPair(type, out: Uint8Array over two int32) -> 0; AF_UNIX, non-blocking and closed on exec */
static napi_value socket_pair(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  uint8_t *out = arg_bytes(env, argv[1], 0, sizeof(int[2]));
  if (out == NULL) return ret_int(env, -EFAULT);
  int pair[2];
  if (socketpair(AF_UNIX, arg_int(env, argv[0]) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) return ret_sys(env, -1);
  memcpy(out, pair, sizeof pair);
  return ret_int(env, 0);
}

/* bind(fd, address, addressLength) -> 0 */
static napi_value socket_bind(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int64_t length = arg_int64(env, argv[2]);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, bind(arg_int(env, argv[0]), (struct sockaddr *)address, (socklen_t)length));
}

/* connect(fd, address, addressLength) -> 0, or -EINPROGRESS */
static napi_value socket_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int64_t length = arg_int64(env, argv[2]);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, connect(arg_int(env, argv[0]), (struct sockaddr *)address, (socklen_t)length));
}

static napi_value socket_listen(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  return ret_sys(env, listen(arg_int(env, argv[0]), arg_int(env, argv[1])));
}

/* accept(fd, address out of 128 bytes) -> fd, non-blocking and closed on exec */
static napi_value socket_accept(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  socklen_t length = sizeof(struct sockaddr_storage);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, accept4(arg_int(env, argv[0]), (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/* socketName(fd, address out of 128 bytes, peer: 0 own, 1 the other side's) -> length */
static napi_value socket_name(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  socklen_t length = sizeof(struct sockaddr_storage);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  int fd = arg_int(env, argv[0]);
  int failed = arg_int(env, argv[2]) ? getpeername(fd, (struct sockaddr *)address, &length)
                                     : getsockname(fd, (struct sockaddr *)address, &length);
  return ret_sys(env, failed < 0 ? failed : (int64_t)length);
}

/* setSocketOption(fd, level, name, value) -> 0; options that are one int */
static napi_value socket_set_option(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int value = arg_int(env, argv[3]);
  return ret_sys(env, setsockopt(arg_int(env, argv[0]), arg_int(env, argv[1]), arg_int(env, argv[2]), &value, sizeof value));
}

/* getSocketOption(fd, level, name, out: Uint8Array over one int32) -> 0 */
static napi_value socket_get_option(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  socklen_t length = sizeof(int);
  uint8_t *out = arg_bytes(env, argv[3], 0, length);
  if (out == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, getsockopt(arg_int(env, argv[0]), arg_int(env, argv[1]), arg_int(env, argv[2]), out, &length));
}

/* Both go to the kernel directly: libc makes them cancellation points, which costs two atomics for each call. */

/* receive(fd, bytes, offset, length) -> count; never blocks; what a datagram has beyond length is lost */
static napi_value socket_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_recvfrom, arg_int(env, argv[0]), at, (size_t)length, MSG_DONTWAIT, NULL, NULL));
}

/* send(fd, bytes, offset, length) -> count; never blocks, never raises SIGPIPE */
static napi_value socket_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int64_t offset = arg_int64(env, argv[2]), length = arg_int64(env, argv[3]);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  const long flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  return ret_sys(env, syscall(SYS_sendto, arg_int(env, argv[0]), at, (size_t)length, flags, NULL, 0));
}

/* unreadBytes(fd) -> kernel memory of what was sent on a unix socket and not yet read by the other side; 0: all read */
static napi_value socket_unread_bytes(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int bytes = 0;
  int failed = ioctl(arg_int(env, argv[0]), SIOCOUTQ, &bytes);
  return ret_sys(env, failed < 0 ? failed : bytes);
}

/* shutdown(fd, how: 0 reading, 1 writing, 2 both) -> 0 */
static napi_value socket_shutdown(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  return ret_sys(env, shutdown(arg_int(env, argv[0]), arg_int(env, argv[1])));
}

/* encodeInet(host: an IPv4 or IPv6 literal, port, out of 128 bytes) -> length, or -EINVAL for another string */
static napi_value socket_encode_inet(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  char host[INET6_ADDRSTRLEN + 1];
  size_t used;
  uint8_t *out = arg_bytes(env, argv[2], 0, sizeof(struct sockaddr_storage));
  if (out == NULL) return ret_int(env, -EFAULT);
  if (napi_get_value_string_utf8(env, argv[0], host, sizeof host, &used) != napi_ok) return ret_int(env, -EINVAL);
  uint16_t port = htons((uint16_t)arg_uint(env, argv[1]));
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
  if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    memcpy(out, &v4, sizeof v4);
    return ret_int(env, sizeof v4);
  }
  if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
    memcpy(out, &v6, sizeof v6);
    return ret_int(env, sizeof v6);
  }
  return ret_int(env, -EINVAL);
}

/* decodeInet(address, out: Uint8Array over two int32 {family, port}) -> host, or -EAFNOSUPPORT */
static napi_value socket_decode_inet(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  uint8_t *address = arg_bytes(env, argv[0], 0, sizeof(struct sockaddr_storage));
  uint8_t *out = arg_bytes(env, argv[1], 0, sizeof(int32_t[2]));
  if (address == NULL || out == NULL) return ret_int(env, -EFAULT);
  struct sockaddr_storage storage;
  memcpy(&storage, address, sizeof storage);
  char host[INET6_ADDRSTRLEN];
  int32_t result[2] = {storage.ss_family, 0};
  if (storage.ss_family == AF_INET) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    result[1] = ntohs(v4->sin_port);
  } else if (storage.ss_family == AF_INET6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    result[1] = ntohs(v6->sin6_port);
  } else {
    return ret_int(env, -EAFNOSUPPORT);
  }
  memcpy(out, result, sizeof result);
  napi_value text;
  napi_create_string_utf8(env, host, NAPI_AUTO_LENGTH, &text);
  return text;
}

const addon_function socket_functions[] = {{"socket", socket_create},
                                           {"socketPair", socket_pair},
                                           {"bind", socket_bind},
                                           {"connect", socket_connect},
                                           {"listen", socket_listen},
                                           {"accept", socket_accept},
                                           {"socketName", socket_name},
                                           {"setSocketOption", socket_set_option},
                                           {"getSocketOption", socket_get_option},
                                           {"receive", socket_receive},
                                           {"send", socket_send},
                                           {"unreadBytes", socket_unread_bytes},
                                           {"shutdown", socket_shutdown},
                                           {"encodeInet", socket_encode_inet},
                                           {"decodeInet", socket_decode_inet},
                                           {NULL, NULL}};
