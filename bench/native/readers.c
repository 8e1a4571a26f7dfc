/* Many WebSocket readers in one thread: opens them, answers pings, notes who got which version when.
 *
 * usage: readers HOST PORT PATH STUCK HEADERS
 *   STUCK    share of the connections that read nothing once they are open (0 .. 1)
 *   HEADERS  file with one header line for each connection, or "-"
 *
 * Orders come as lines on standard input; each is answered by one line of JSON:
 *   open TOTAL AT_ONCE FIRST   open more, until there are TOTAL; each counts as open after FIRST
 *                              snapshots
 *   reset                      forget counts and times; what each connection holds stays known
 *   await VERSION MS           wait until every reader holds VERSION or a newer one
 *   report                     counts, ages, and for each version who held it when
 *   quit
 * Times are CLOCK_REALTIME: servers on this host stamp their snapshots with the same clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "held.h"

enum { MAX_CONNECTIONS = 20000, KEPT = 224, STUCK_BUFFER = 2048 };
enum state { CONNECTING, ANSWERING, READING, STUCK, GONE };

struct connection {
  int fd;
  uint8_t state, header_bytes, matched;
  uint8_t header[10];
  uint8_t opcode;
  uint16_t kept_bytes;
  char kept[KEPT + 1];  /* how the answer, or the payload, begins */
  uint64_t left;        /* payload bytes to come */
  uint32_t snapshots;
  bool counted;
  int64_t held;
};

static struct connection connections[MAX_CONNECTIONS];
static int made, opening, opened, failed, lost, stuck, readers;
static int wanted, at_once, first;
static int64_t began_ns, awaited = -1, awaited_until_ns, awaited_last_ns;
static int awaited_holders;
static uint64_t snapshots, others, bytes;
static struct sockaddr_in server;
static const char *host, *path;
static double stuck_share;
static char **headers;
static int header_count, poll_fd;

static int64_t busy_ns;  /* spent on what came, since the last reset; the rest is waiting awake */

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void watch(int operation, int number, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = number};
  epoll_ctl(poll_fd, operation, connections[number].fd, &event);
}

static bool is_to_be_stuck(int number) {
  return (int)((number + 1) * stuck_share) > (int)(number * stuck_share);
}

static void make(void) {
  int number = made++, one = 1, small = STUCK_BUFFER;
  struct linger at_once_gone = {1, 0};
  struct connection *it = &connections[number];
  *it = (struct connection){.held = -1, .state = CONNECTING};
  it->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (it->fd < 0) { perror("socket"); exit(1); }
  setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(it->fd, SOL_SOCKET, SO_LINGER, &at_once_gone, sizeof at_once_gone);
  if (is_to_be_stuck(number)) setsockopt(it->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  opening++;
  connect(it->fd, (struct sockaddr *)&server, sizeof server);
  watch(EPOLL_CTL_ADD, number, EPOLLOUT);
}

static void count_open(struct connection *it) {
  if (it->counted) return;
  it->counted = true;
  opening--;
  opened++;
}

static void leave(struct connection *it) {
  if (it->state == GONE) return;
  if (!it->counted) { opening--; failed++; it->counted = true; }
  else { opened--; lost++; }
  if (it->state == READING) readers--;
  if (it->state == STUCK) stuck--;
  close(it->fd);
  it->state = GONE;
}

static void ask(int number) {
  char request[8192];
  const char *more = number < header_count ? headers[number] : "";
  int length = snprintf(request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
      path, host, more, *more ? "\r\n" : "");
  struct connection *it = &connections[number];
  if (send(it->fd, request, length, MSG_NOSIGNAL) != length) { leave(it); return; }
  it->state = ANSWERING;
  watch(EPOLL_CTL_MOD, number, EPOLLIN);
}

static void begin_reading(int number) {
  struct connection *it = &connections[number];
  it->kept[it->kept_bytes] = 0;
  if (strncmp(it->kept, "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "readers: refused: %.60s\n", it->kept);
    leave(it);
    return;
  }
  it->state = READING;
  readers++;
  if (first == 0) count_open(it);
}

static void become_stuck(int number) {
  struct connection *it = &connections[number];
  it->state = STUCK;
  readers--;
  stuck++;
  watch(EPOLL_CTL_MOD, number, 0);  /* errors are told nevertheless */
}

static void take_snapshot(struct connection *it, int64_t at_ns) {
  const char *version = strstr(it->kept, "\"version\":"), *ts = strstr(it->kept, "\"ts\":");
  if (!version || !ts) { others++; return; }
  int64_t number = atoll(version + 10);
  snapshots++;
  it->snapshots++;
  held_note(it->held, number, atoll(ts + 5), at_ns);
  if (it->held < awaited && number >= awaited) { awaited_holders++; awaited_last_ns = at_ns; }
  if (number > it->held) it->held = number;
  if (!it->counted && it->snapshots >= (uint32_t)first) count_open(it);
}

static void pong(struct connection *it) {
  uint8_t frame[6 + 125] = {0x8a, 0x80 | (it->kept_bytes & 0x7f)};  /* mask 0: RFC 6455 5.3 */
  memcpy(frame + 6, it->kept, it->kept_bytes);
  send(it->fd, frame, 6 + it->kept_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void end_frame(struct connection *it, int64_t at_ns) {
  it->kept[it->kept_bytes] = 0;
  if (it->opcode == 9) pong(it);
  else if (it->opcode == 8) leave(it);
  else if (!strncmp(it->kept, "{\"type\":\"snapshot\"", 18)) take_snapshot(it, at_ns);
  else others++;
  it->kept_bytes = it->header_bytes = 0;
}

/* Take a byte of a frame's header (RFC 6455 5.2); tell whether the header is whole. */
static bool take_header_byte(struct connection *it, uint8_t byte) {
  it->header[it->header_bytes++] = byte;
  if (it->header_bytes < 2) return false;
  uint8_t length = it->header[1] & 0x7f, whole = length == 126 ? 4 : length == 127 ? 10 : 2;
  if (it->header_bytes < whole) return false;
  it->opcode = it->header[0] & 0x0f;
  it->left = whole == 2 ? length : 0;
  for (int n = 2; n < whole; n++) it->left = it->left << 8 | it->header[n];
  return true;
}

static void feed_frames(struct connection *it, const char *at, const char *end, int64_t at_ns) {
  while (at < end && it->state == READING) {
    if (it->left == 0) {
      if (!take_header_byte(it, *at++)) continue;
      if (it->left == 0) { end_frame(it, at_ns); continue; }
      continue;
    }
    uint64_t here = end - at, part = here < it->left ? here : it->left;
    uint64_t room = KEPT - it->kept_bytes, kept = part < room ? part : room;
    memcpy(it->kept + it->kept_bytes, at, kept);
    it->kept_bytes += kept;
    at += part;
    it->left -= part;
    if (it->left == 0) end_frame(it, at_ns);
  }
}

/* Read the answer to the upgrade up to its blank line; gives where the frames begin. */
static const char *feed_answer(int number, const char *at, const char *end) {
  struct connection *it = &connections[number];
  while (at < end && it->state == ANSWERING) {
    char byte = *at++;
    if (it->kept_bytes < KEPT) it->kept[it->kept_bytes++] = byte;
    it->matched = byte == "\r\n\r\n"[it->matched] ? it->matched + 1 : byte == '\r';
    if (it->matched == 4) begin_reading(number);
  }
  if (it->state == READING) it->kept_bytes = 0;
  return at;
}

static void read_some(int number) {
  static char buffer[1 << 16];
  struct connection *it = &connections[number];
  ssize_t got = recv(it->fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { leave(it); return; }
  bytes += got;
  const char *at = buffer, *end = buffer + got;
  if (it->state == ANSWERING) at = feed_answer(number, at, end);
  feed_frames(it, at, end, now_ns());
  if (it->state == READING && it->counted && is_to_be_stuck(number)) become_stuck(number);
}

static void act(int number, uint32_t events) {
  struct connection *it = &connections[number];
  if (it->state == GONE) return;
  if (it->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) leave(it);
    else ask(number);
  } else if (it->state == STUCK) {
    leave(it);
  } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    read_some(number);
  }
}

static void report(void) {
  uint32_t least = UINT32_MAX, most = 0;
  for (int n = 0; n < made; n++) {
    if (connections[n].state != READING) continue;
    if (connections[n].snapshots < least) least = connections[n].snapshots;
    if (connections[n].snapshots > most) most = connections[n].snapshots;
  }
  printf("{\"busy_s\":%.3f,\"readers\":%d,\"stuck\":%d,\"lost\":%d,\"snapshots\":%lu,\"others\":%lu,\"bytes\":%lu,"
         "\"least\":%u,\"most\":%u,", busy_ns / 1e9, readers, stuck, lost, snapshots, others, bytes, least, most);
  held_print();
  printf("}\n");
}

static void reset(void) {
  int64_t newest = -1;
  for (int n = 0; n < made; n++) {
    connections[n].snapshots = 0;
    if (connections[n].held > newest) newest = connections[n].held;
  }
  snapshots = others = bytes = 0;
  lost = failed = 0;
  busy_ns = 0;
  held_reset(newest);
  printf("{}\n");
}

static void await(int64_t version, int64_t within_ms) {
  awaited = version;
  awaited_holders = 0;
  awaited_last_ns = now_ns();
  awaited_until_ns = awaited_last_ns + within_ms * 1000000;
  for (int n = 0; n < made; n++)
    awaited_holders += connections[n].state == READING && connections[n].held >= version;
}

static void obey(char *line) {
  long long one, two;
  if (sscanf(line, "open %d %d %d", &wanted, &at_once, &first) == 3) began_ns = now_ns();
  else if (sscanf(line, "await %lld %lld", &one, &two) == 2) await(one, two);
  else if (!strncmp(line, "reset", 5)) reset();
  else if (!strncmp(line, "report", 6)) report();
  else exit(0);
}

/* Answer the orders that take their time, if what they wait for is there. */
static void progress(void) {
  if (wanted) {
    while (made < wanted && opening < at_once) make();
    if (made == wanted && opening == 0) {
      printf("{\"opened\":%d,\"failed\":%d,\"took_ns\":%ld}\n", opened, failed, now_ns() - began_ns);
      wanted = 0;
    }
  }
  if (awaited >= 0 && (awaited_holders >= readers || now_ns() > awaited_until_ns)) {
    printf("{\"holders\":%d,\"of\":%d,\"last_ns\":%ld}\n", awaited_holders, readers, awaited_last_ns);
    awaited = -1;
  }
  fflush(stdout);
}

static void read_headers(const char *name) {
  if (!strcmp(name, "-")) return;
  FILE *file = fopen(name, "r");
  if (!file) { perror(name); exit(1); }
  headers = calloc(MAX_CONNECTIONS, sizeof *headers);
  size_t room = 0;
  ssize_t length;
  while (header_count < MAX_CONNECTIONS &&
         (length = getline(&headers[header_count], &room, file)) > 0) {
    headers[header_count++][length - 1] = 0;
    room = 0;
  }
  fclose(file);
}

int main(int count, char **arguments) {
  if (count != 6) { fprintf(stderr, "usage: readers HOST PORT PATH STUCK HEADERS\n"); return 2; }
  host = arguments[1];
  path = arguments[3];
  stuck_share = atof(arguments[4]);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(arguments[2]))};
  inet_pton(AF_INET, host, &server.sin_addr);
  read_headers(arguments[5]);
  held_reset(-1);
  poll_fd = epoll_create1(0);
  struct epoll_event ready[512], orders = {.events = EPOLLIN, .data.u32 = MAX_CONNECTIONS};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &orders);
  for (char line[128];;) {
    /* Never asleep: to wake a reader on the same machine is charged to whoever sends to it, and
       readers elsewhere cost a server nothing of the kind. */
    int some = epoll_wait(poll_fd, ready, 512, 0);
    int64_t work_ns = some > 0 ? now_ns() : 0;
    for (int n = 0; n < some; n++) {
      if (ready[n].data.u32 < MAX_CONNECTIONS) { act(ready[n].data.u32, ready[n].events); continue; }
      ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);  /* one order at a time is sent */
      if (got <= 0) return 0;
      line[got] = 0;
      obey(line);
    }
    if (some > 0) busy_ns += now_ns() - work_ns;
    progress();
  }
}
