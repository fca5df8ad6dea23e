// A dhtd beside a light client of its control socket. The program is $DHTD, its files are in
// $WORKER_DIRECTORY.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "worker.hpp"

namespace {

[[noreturn]] void fail(std::string const& what) {
  std::cerr << what << std::endl;
  std::exit(1);
}

// The number after a member's name. A quotation mark inside a JSON string has a backslash before it, so that
// a name in quotation marks with a colon is never part of a value.
long long number(std::string_view line, std::string_view name, long long missing) {
  std::size_t at = line.find(name);
  return at == line.npos ? missing : std::strtoll(line.data() + at + name.size(), nullptr, 10);
}

std::string_view word(std::string_view line, std::string_view name) {
  std::size_t at = line.find(name);
  if (at == line.npos) return {};
  std::string_view rest = line.substr(at + name.size());
  return rest.substr(0, rest.find('"'));
}

class Dhtd : public Peer {
 public:
  void start(int port, int bootstrap) override {
    char const* program = std::getenv("DHTD");
    char const* directory = std::getenv("WORKER_DIRECTORY");
    if (!program || !directory) fail("DHTD and WORKER_DIRECTORY are not set");
    std::string const place = std::string(directory) + "/" + std::to_string(port);
    std::string const socketPath = place + ".sock";

    int log[2];
    if (pipe2(log, O_CLOEXEC) != 0) fail("no pipe");
    pid_t const parent = getpid();
    node = fork();
    if (node < 0) fail("no process");
    if (node == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      dup2(open("/dev/null", O_RDWR), 0);
      dup2(0, 1);
      dup2(log[1], 2);
      std::vector<std::string> words = {program, std::to_string(port), "--config", "/dev/null", "--state-dir",
                                        place, "--control-socket", socketPath, "--durability", "memory",
                                        "--log-target", "stderr"};
      if (bootstrap) words.push_back("127.0.0.1:" + std::to_string(bootstrap));
      std::vector<char*> arguments;
      for (std::string& each : words) arguments.push_back(each.data());
      arguments.push_back(nullptr);
      execv(program, arguments.data());
      _exit(127);
    }
    close(log[1]);
    waitUntilReady(log[0]);
    connectTo(socketPath);
  }

  pid_t nodeProcess() override { return node; }

  int contacts() override {
    output += "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"status\"}\n";
    int known = -1;
    std::vector<Completion> ignored;
    while (known < 0) {
      exchange(1'000, [&](std::string_view line) {
        if (number(line, "\"id\":", -1) == 0) known = static_cast<int>(number(line, "\"known_nodes\":", 0));
      });
    }
    return known;
  }

  // Keys and values are the worker's own, and need no escapes.
  void put(std::uint64_t operation, std::string const& key, std::string value) override {
    begin(operation, "put", key);
    output += "\",\"value\":\"";
    output += value;
    output += "\"}}\n";
  }

  void get(std::uint64_t operation, std::string const& key, std::string expected) override {
    begin(operation, "get", key);
    output += "\"}}\n";
    awaited.emplace(operation, std::move(expected));
  }

  void wait(std::chrono::milliseconds limit, std::vector<Completion>& completions) override {
    exchange(static_cast<int>(limit.count()), [&](std::string_view line) { complete(line, completions); });
  }

 private:
  void begin(std::uint64_t operation, char const* method, std::string const& key) {
    output += "{\"jsonrpc\":\"2.0\",\"id\":";
    output += std::to_string(operation);
    output += ",\"method\":\"";
    output += method;
    output += "\",\"params\":{\"key\":\"";
    output += key;
  }

  void complete(std::string_view line, std::vector<Completion>& completions) {
    Completion completion;
    completion.operation = static_cast<std::uint64_t>(number(line, "\"id\":", 0));
    auto const found = awaited.find(completion.operation);
    if (line.find("\"error\":") != line.npos) {
      completion.reason = word(line, "\"reason\":\"");
    } else if (found != awaited.end()) {
      completion.isDone = word(line, "\"value\":\"") == found->second;
      if (!completion.isDone) completion.reason = "wrong value";
    } else {
      completion.isDone = true;
      completion.confirmations = static_cast<int>(number(line, "\"stored\":", -1));
    }
    if (found != awaited.end()) awaited.erase(found);
    completions.push_back(std::move(completion));
  }

  // Sends what is to be sent, waits for something to come, and hands on each line of it.
  template <typename Taker>
  void exchange(int limit, Taker take) {
    send();
    pollfd ready = {control, static_cast<short>(output.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    if (poll(&ready, 1, limit) <= 0) return;
    send();
    ssize_t const count = read(control, piece, sizeof piece);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) fail("dhtd closed the connection");
    if (count < 0) return;
    std::string_view rest(piece, static_cast<std::size_t>(count));
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
      if (partial.empty()) {
        take(rest.substr(0, end));
      } else {
        partial += rest.substr(0, end);
        take(std::string_view(partial));
        partial.clear();
      }
    }
    partial += rest;
  }

  void send() {
    if (output.empty()) return;
    ssize_t const count = write(control, output.data(), output.size());
    if (count > 0) output.erase(0, static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail("dhtd does not read");
  }

  void waitUntilReady(int log) {
    std::string text;
    char byte[4096];
    while (true) {
      ssize_t const count = read(log, byte, sizeof byte);
      if (count <= 0) fail("dhtd ended before it was ready: " + text);
      text.append(byte, static_cast<std::size_t>(count));
      if (text.find("ready\n") != text.npos) break;
    }
    // It goes on to log, and nobody reads it: the pipe stays open, and has room for more than it will say.
    fcntl(log, F_SETPIPE_SZ, 1 << 20);
  }

  void connectTo(std::string const& path) {
    control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail("the path of the control socket is too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    if (connect(control, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("no control socket");
    fcntl(control, F_SETFL, O_NONBLOCK);
  }

  pid_t node = 0;
  int control = -1;
  std::string output, partial;
  char piece[64 * 1024];
  std::unordered_map<std::uint64_t, std::string> awaited;
};

}  // namespace

int main(int argc, char** argv) {
  static Dhtd dhtd;
  return Worker(dhtd).run(argc, argv);
}
