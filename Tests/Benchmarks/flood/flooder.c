// Floods one UDP address with queries, at a rate and for a time: for the benchmark beside this file alone.
//
//     flooder ADDRESS PORT PER_SECOND SECONDS [ping|get|junk]
//
// Sends nothing to an address that is not private (RFC 1918), and ends by itself: after SECONDS, which is 60
// at most, or after PER_SECOND * SECONDS datagrams, whichever is first. Prints how many it has sent and in
// how many seconds, and how many answers with how many bytes came back.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, ROOM = 2048 };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static int is_private(struct in_addr address) {
  uint32_t bits = ntohl(address.s_addr);
  return bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8;
}

// A query of its own for each place of a batch: the ID and the target differ, and the node cannot answer from
// what it has just answered.
static size_t query(char *bytes, const char *kind, unsigned number) {
  if (strcmp(kind, "junk") == 0) {
    for (unsigned i = 0; i < 100; i++) bytes[i] = (char)(number * 31 + i * 7);
    return 100;
  }
  char id[32], target[32];
  snprintf(id, sizeof id, "flooder%013u", number);
  snprintf(target, sizeof target, "%u-target-of-the-flood", number % 10);
  const char *text = strcmp(kind, "get") == 0 ? "d1:ad2:id20:%s6:target20:%.20se1:q3:get1:t4:%04u1:y1:qe"
                                              : "d1:ad2:id20:%se1:q4:ping1:t4:%.0s%04u1:y1:qe";
  return (size_t)snprintf(bytes, ROOM, text, id, target, number % 10000);
}

int main(int count, char **arguments) {
  if (count < 5) return fprintf(stderr, "flooder ADDRESS PORT PER_SECOND SECONDS [ping|get|junk]\n"), 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[2]))};
  if (inet_pton(AF_INET, arguments[1], &to.sin_addr) != 1 || !is_private(to.sin_addr)) {
    return fprintf(stderr, "flooder: %s is no private IPv4 address\n", arguments[1]), 2;
  }
  double rate = atof(arguments[3]), duration = atof(arguments[4]);
  if (rate < 1 || rate > 1e6 || duration <= 0 || duration > 60) {
    return fprintf(stderr, "flooder: at most 1000000 a second, for 60 s\n"), 2;
  }
  const char *kind = count > 5 ? arguments[5] : "get";
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&to, sizeof to) < 0) {
    return perror("flooder"), 1;
  }
  static char bytes[BATCH][ROOM];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  for (unsigned i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){bytes[i], query(bytes[i], kind, i)};
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
  }
  double begin = seconds(), now = begin;
  long sent = 0, answers = 0, answered = 0, most = (long)(rate * duration);
  static char answer[ROOM];
  while (sent < most && (now = seconds()) - begin < duration) {
    long due = (long)((now - begin) * rate) - sent;
    if (due < BATCH) {
      // What is left until the next batch is due; on a loaded machine it sleeps longer and catches up.
      double pause = (BATCH - due) / rate;
      nanosleep(&(struct timespec){.tv_nsec = (long)(pause * 1e9)}, NULL);
      continue;
    }
    int result = sendmmsg(descriptor, messages, BATCH, 0);
    if (result > 0) sent += result;
    if (result < 0 && errno != ECONNREFUSED && errno != ENOBUFS && errno != EINTR) return perror("flooder"), 1;
    ssize_t length;
    while ((length = recv(descriptor, answer, sizeof answer, MSG_DONTWAIT)) > 0) answers++, answered += length;
  }
  printf("{\"sent\": %ld, \"seconds\": %.3f, \"answers\": %ld, \"answered_bytes\": %ld, \"query_bytes\": %zu}\n",
         sent, seconds() - begin, answers, answered, parts[0].iov_len);
  return 0;
}
