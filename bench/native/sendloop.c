/* The floor of a broadcast: accept WebSockets, and send() one prebuilt frame to each in turn.
 *
 * usage: sendloop PORT
 * Each line on standard input is sent as a text frame to all, then "ok" is printed. Nothing is
 * checked and nothing is kept for a peer that takes no more: its frame is dropped and counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 20000, MAX_LINE = 60000 };
static const char ANSWER[] = /* to the one key that the readers send (RFC 6455 1.3) */
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int open_fds[MAX_CONNECTIONS], open_count, place[MAX_CONNECTIONS + 64];

static int listen_at(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) { perror("listen"); exit(1); }
  return fd;
}

static void add(int poll_fd, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void take(int poll_fd, int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    place[fd] = -1;
    add(poll_fd, fd);
  }
}

static void hear(int fd) {
  char request[8192];
  if (recv(fd, request, sizeof request, 0) <= 0) {
    if (place[fd] >= 0) {
      int last = open_fds[--open_count];
      open_fds[place[fd]] = last;
      place[last] = place[fd];
    }
    close(fd);
  } else if (place[fd] < 0) { /* the request; it comes whole over loopback */
    place[fd] = open_count;
    open_fds[open_count++] = fd;
    send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL);
  }
}

static void broadcast(const uint8_t *text, size_t length) {
  static uint8_t frame[4 + MAX_LINE];
  int dropped = 0;
  size_t head = length < 126 ? 2 : 4;
  frame[0] = 0x81;
  frame[1] = head == 2 ? length : 126;
  if (head == 4) { frame[2] = length >> 8; frame[3] = length & 0xff; }
  memcpy(frame + head, text, length);
  for (int n = 0; n < open_count; n++)
    dropped += send(open_fds[n], frame, head + length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
  if (dropped) fprintf(stderr, "sendloop: dropped %d\n", dropped);
}

int main(int count, char **arguments) {
  if (count != 2) { fprintf(stderr, "usage: sendloop PORT\n"); return 2; }
  int poll_fd = epoll_create1(0), listener = listen_at(atoi(arguments[1]));
  static char line[MAX_LINE];
  size_t have = 0;
  struct epoll_event ready[512];
  add(poll_fd, listener);
  add(poll_fd, STDIN_FILENO);
  puts("ready");
  for (;;) {
    fflush(stdout);
    int some = epoll_wait(poll_fd, ready, 512, -1);
    for (int n = 0; n < some; n++) {
      int fd = ready[n].data.fd;
      if (fd == listener) take(poll_fd, listener);
      else if (fd != STDIN_FILENO) hear(fd);
      else {
        ssize_t got = read(fd, line + have, sizeof line - have);
        if (got <= 0) return 0;
        have += got;
        if (line[have - 1] != '\n') continue; /* one line at a time is sent */
        broadcast((uint8_t *)line, have - 1);
        have = 0;
        puts("ok");
      }
    }
  }
}
