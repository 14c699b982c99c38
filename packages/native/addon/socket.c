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
  INT(domain, 0);
  INT(type, 1);
  INT(protocol, 2);
  return ret_sys(env, socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

/* socketPair(type, out: Uint8Array over two int32) -> 0; AF_UNIX, non-blocking and closed on exec */
static napi_value socket_pair(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(type, 0);
  uint8_t *out = arg_bytes(env, argv[1], 0, sizeof(int[2]));
  if (out == NULL) return ret_int(env, -EFAULT);
  int pair[2];
  if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) return ret_sys(env, -1);
  memcpy(out, pair, sizeof pair);
  return ret_int(env, 0);
}

/* bind(fd, address, addressLength) -> 0 */
static napi_value socket_bind(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(fd, 0);
  SIZE(addressLength, 2);
  uint8_t *address = arg_bytes(env, argv[1], 0, addressLength);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, bind(fd, (struct sockaddr *)address, (socklen_t)addressLength));
}

/* connect(fd, address, addressLength) -> 0, or -EINPROGRESS */
static napi_value socket_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(fd, 0);
  SIZE(addressLength, 2);
  uint8_t *address = arg_bytes(env, argv[1], 0, addressLength);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, connect(fd, (struct sockaddr *)address, (socklen_t)addressLength));
}

static napi_value socket_listen(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  INT(backlog, 1);
  return ret_sys(env, listen(fd, backlog));
}

/* accept(fd, address out of 128 bytes) -> fd, non-blocking and closed on exec */
static napi_value socket_accept(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  socklen_t length = sizeof(struct sockaddr_storage);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, accept4(fd, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/* socketName(fd, address out of 128 bytes, peer: 0 own, 1 the other side's) -> length */
static napi_value socket_name(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INT(fd, 0);
  FLAG(peer, 2);
  socklen_t length = sizeof(struct sockaddr_storage);
  uint8_t *address = arg_bytes(env, argv[1], 0, length);
  if (address == NULL) return ret_int(env, -EFAULT);
  int failed = peer ? getpeername(fd, (struct sockaddr *)address, &length)
                                     : getsockname(fd, (struct sockaddr *)address, &length);
  return ret_sys(env, failed < 0 ? failed : (int64_t)length);
}

/* setSocketOption(fd, level, name, value) -> 0; options that are one int */
static napi_value socket_set_option(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  INT(level, 1);
  INT(name, 2);
  INT(value, 3);
  return ret_sys(env, setsockopt(fd, level, name, &value, sizeof value));
}

/* setLinger(fd, seconds) -> 0; closing then waits so long for what is queued, or with 0 drops it and resets the connection */
static napi_value socket_set_linger(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  INT(seconds, 1);
  struct linger linger = {.l_onoff = 1, .l_linger = seconds};
  return ret_sys(env, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* getSocketOption(fd, level, name, out: Uint8Array over one int32) -> 0 */
static napi_value socket_get_option(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  INT(level, 1);
  INT(name, 2);
  socklen_t length = sizeof(int);
  uint8_t *out = arg_bytes(env, argv[3], 0, length);
  if (out == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, getsockopt(fd, level, name, out, &length));
}

/* Both go to the kernel directly: libc makes them cancellation points, which costs two atomics for each call. */

/* receive(fd, bytes, offset, length) -> count; never blocks; what a datagram has beyond length is lost */
static napi_value socket_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_recvfrom, fd, at, (size_t)length, MSG_DONTWAIT, NULL, NULL));
}

/* send(fd, bytes, offset, length) -> count; never blocks, never raises SIGPIPE */
static napi_value socket_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  INT(fd, 0);
  SIZE(offset, 2);
  SIZE(length, 3);
  uint8_t *at = arg_bytes(env, argv[1], offset, length);
  if (at == NULL) return ret_int(env, -EFAULT);
  const long flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  return ret_sys(env, syscall(SYS_sendto, fd, at, (size_t)length, flags, NULL, 0));
}

/*
 * sendEach(list: bytes of int32 quadruples {fd, offset, length, result}, count, bytes) -> 0: `send` to each of several descriptors, what
 * it returns in the fourth number; those below 0 are left out. One call for many: the kernel's code and the caller's take turns
 * in the processor's caches once, not for each.
 */
static napi_value socket_send_each(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INTEGER(count, 1, 0, INT32_MAX);
  int32_t entry[4];
  uint8_t *list = arg_bytes(env, argv[0], 0, count * (int64_t)sizeof entry);
  void *data = NULL;
  size_t size = 0;
  if (list == NULL || napi_get_buffer_info(env, argv[2], &data, &size) != napi_ok) return ret_int(env, -EFAULT);
  for (uint8_t *at = list; at < list + count * sizeof entry; at += sizeof entry) {
    memcpy(entry, at, sizeof entry);
    const int32_t offset = entry[1], length = entry[2];
    if (entry[0] < 0) continue;
    if (data == NULL || offset < 0 || length < 0 || (size_t)offset > size || (size_t)length > size - (size_t)offset) {
      entry[3] = -EFAULT;
    } else {
      const long flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const long sent = syscall(SYS_sendto, entry[0], (uint8_t *)data + offset, (size_t)length, flags, NULL, 0);
      entry[3] = sent < 0 ? -errno : (int32_t)sent;
    }
    memcpy(at, entry, sizeof entry);
  }
  return ret_int(env, 0);
}

/* unreadBytes(fd) -> kernel memory of what was sent on a unix socket and not yet read by the other side; 0: all read */
static napi_value socket_unread_bytes(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  int bytes = 0;
  int failed = ioctl(fd, SIOCOUTQ, &bytes);
  return ret_sys(env, failed < 0 ? failed : bytes);
}

/* peek(fd) -> 1 where there is something to read, 0 at the end of it, -EAGAIN: nothing yet; takes nothing */
static napi_value socket_peek(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INT(fd, 0);
  char byte;
  return ret_sys(env, recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
}

/* shutdown(fd, how: 0 reading, 1 writing, 2 both) -> 0 */
static napi_value socket_shutdown(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  INT(how, 1);
  return ret_sys(env, shutdown(fd, how));
}

/* encodeInet(host: an IPv4 or IPv6 literal, port, out of 128 bytes) -> length, or -EINVAL for another string */
static napi_value socket_encode_inet(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INTEGER(port, 1, 0, UINT16_MAX);
  uint8_t *out = arg_bytes(env, argv[2], 0, sizeof(struct sockaddr_storage));
  if (out == NULL) return ret_int(env, -EFAULT);
  char host[INET6_ADDRSTRLEN + 1];
  /* What is longer is no address, as any other string that is none. */
  int fits = arg_string(env, call, argv[0], "host", host, sizeof host);
  if (fits < 0) return NULL;
  if (!fits) return ret_int(env, -EINVAL);
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
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
                                           {"setLinger", socket_set_linger},
                                           {"getSocketOption", socket_get_option},
                                           {"receive", socket_receive},
                                           {"send", socket_send},
                                           {"sendEach", socket_send_each},
                                           {"unreadBytes", socket_unread_bytes},
                                           {"peek", socket_peek},
                                           {"shutdown", socket_shutdown},
                                           {"encodeInet", socket_encode_inet},
                                           {"decodeInet", socket_decode_inet},
                                           {NULL, NULL}};
