// What a bare request and its answer over UDP cost on this machine, with nothing done in between: the floor
// under every RPC. One client keeps WINDOW requests in flight to SERVERS echo processes on loopback.
//
//     udp_floor REQUESTS WINDOW SERVERS     prints {"cpu_us":..., "rate":...}, CPU of both sides together
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int firstPort = 30'000;
// About what a get and its answer have.
constexpr std::size_t messageBytes = 150;

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int boundSocket(int port) {
  int const descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in const address = loopback(port);
  if (bind(descriptor, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) std::exit(2);
  int const buffer = 4 << 20;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return descriptor;
}

[[noreturn]] void echo(int descriptor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  char message[2048];
  while (true) {
    sockaddr_in sender;
    socklen_t length = sizeof sender;
    ssize_t const count =
        recvfrom(descriptor, message, sizeof message, 0, reinterpret_cast<sockaddr*>(&sender), &length);
    if (count <= 1) _exit(0);
    sendto(descriptor, message, static_cast<std::size_t>(count), 0, reinterpret_cast<sockaddr*>(&sender), length);
  }
}

double cpuSeconds(int who) {
  rusage usage;
  getrusage(who, &usage);
  timeval sum;
  timeradd(&usage.ru_utime, &usage.ru_stime, &sum);
  return static_cast<double>(sum.tv_sec) + static_cast<double>(sum.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  int const requests = std::atoi(argv[1]), window = std::atoi(argv[2]), servers = std::atoi(argv[3]);
  alarm(120);
  std::vector<pid_t> processes;
  for (int i = 0; i < servers; i += 1) {
    int const descriptor = boundSocket(firstPort + 1 + i);
    pid_t const process = fork();
    if (process == 0) echo(descriptor);
    close(descriptor);
    processes.push_back(process);
  }

  int const client = boundSocket(firstPort);
  timeval const patience = {2, 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char message[2048] = {};
  auto const send = [&](int server, std::size_t size) {
    sockaddr_in const address = loopback(firstPort + 1 + server);
    sendto(client, message, size, 0, reinterpret_cast<sockaddr const*>(&address), sizeof address);
  };
  double const before = cpuSeconds(RUSAGE_SELF);
  auto const begin = std::chrono::steady_clock::now();
  int sent = 0, answered = 0;
  while (sent < window) send(sent++ % servers, messageBytes);
  while (answered < requests && recv(client, message, sizeof message, 0) > 0) {
    answered += 1;
    if (sent < requests) send(sent++ % servers, messageBytes);
  }
  double const wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  double const client_cpu = cpuSeconds(RUSAGE_SELF) - before;
  for (int i = 0; i < servers; i += 1) send(i, 1);
  for (pid_t process : processes) waitpid(process, nullptr, 0);
  if (answered == 0) return 1;
  std::printf(
      "{\"cpu_us\":%.3f,\"rate\":%.0f}\n", (client_cpu + cpuSeconds(RUSAGE_CHILDREN)) / answered * 1e6,
      answered / wall);
}
