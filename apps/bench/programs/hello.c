/* The least that a server does for a request: epoll, one recv, one send. `hello PORT HOST`; every read is taken for one request. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS = 256, BUFFER = 65536 };

/* As long as what node:http answers. */
static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Connection: keep-alive\r\n"
    "Keep-Alive: timeout=5\r\n"
    "Content-Length: 12\r\n"
    "\r\n"
    "Hello World\n";

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(argv[1]))};
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return 1;
  if (listen(listener, BACKLOG) != 0) return 1;
  const int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) return 1;

  static struct epoll_event events[EVENTS];
  static char buffer[BUFFER];
  for (;;) {
    const int count = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (event.data.fd < 0) continue;
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
      } else if (recv(fd, buffer, sizeof buffer, 0) <= 0 ||
                 send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof ANSWER - 1)) {
        close(fd);
      }
    }
  }
}
