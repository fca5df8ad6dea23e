// What the workers in C++ have in common. A worker runs one node of a network, and takes orders line by
// line on standard input, each answered with one line of JSON:
//
//     contacts                                        the size of the node's routing table
//     put PREFIX COUNT IN_FLIGHT SIZE TIMEOUT_MS      stores COUNT values under PREFIX-0, PREFIX-1, ...
//     get PREFIX COUNT IN_FLIGHT SIZE TIMEOUT_MS      reads them, and compares each byte for byte
//     quit
//
// It is started with --port PORT, --bootstrap PORT (0: the first of its network) and --life SECONDS, after
// which it ends in any case. When its node runs it prints one line that tells which process the node is, and
// which threads of that process are the client and not the node.
#pragma once

#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using Clock = std::chrono::steady_clock;

// A value that tells by itself which key it belongs to.
inline std::string valueOf(std::string const& key, std::size_t size) {
  std::string value;
  value.reserve(size + key.size() + 1);
  while (value.size() < size) {
    value += key;
    value += ':';
  }
  value.resize(size);
  return value;
}

// What became of an operation.
struct Completion {
  std::uint64_t operation = 0;
  bool isDone = false;
  // How many nodes confirmed a put; below 0 where the peer does not tell.
  int confirmations = -1;
  // One or two words, where it failed.
  std::string reason;
  Clock::time_point at = Clock::now();
};

// A node and the client that talks to it.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void start(int port, int bootstrap) = 0;
  virtual int contacts() = 0;
  // Both begin an operation, which ends as a completion.
  virtual void put(std::uint64_t operation, std::string const& key, std::string value) = 0;
  virtual void get(std::uint64_t operation, std::string const& key, std::string expected) = 0;
  // Waits for completions, at most so long, and appends them.
  virtual void wait(std::chrono::milliseconds limit, std::vector<Completion>& completions) = 0;
  // The process that the node is.
  virtual pid_t nodeProcess() { return getpid(); }
  // The threads of that process that are the client: what a program would need beside the node.
  virtual std::vector<pid_t> clientThreads() { return {}; }
};

struct Order {
  bool isPut = false;
  std::string prefix;
  std::size_t count = 0;
  std::size_t inFlight = 1;
  std::size_t size = 0;
  std::chrono::milliseconds timeout{30'000};
};

class Worker {
 public:
  explicit Worker(Peer& peer) : peer(peer) {}

  int run(int argc, char** argv) {
    int port = 0, bootstrap = 0, life = 600;
    for (int i = 1; i + 1 < argc; i += 2) {
      std::string_view name = argv[i];
      int number = std::atoi(argv[i + 1]);
      if (name == "--port") port = number;
      if (name == "--bootstrap") bootstrap = number;
      if (name == "--life") life = number;
    }
    // Nothing is left behind, whatever becomes of the script that started it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(static_cast<unsigned>(life));
    peer.start(port, bootstrap);
    std::string threads;
    for (pid_t thread : peer.clientThreads()) threads += (threads.empty() ? "" : ",") + std::to_string(thread);
    std::cout << "{\"node\":" << peer.nodeProcess() << ",\"client_threads\":[" << threads << "]}" << std::endl;

    std::string line;
    while (std::getline(std::cin, line)) {
      std::istringstream words(line);
      std::string verb;
      words >> verb;
      if (verb == "quit") break;
      if (verb == "contacts") {
        std::cout << "{\"contacts\":" << peer.contacts() << "}" << std::endl;
      } else if (verb == "put" || verb == "get") {
        Order order;
        long timeout = 0;
        order.isPut = verb == "put";
        words >> order.prefix >> order.count >> order.inFlight >> order.size >> timeout;
        order.timeout = std::chrono::milliseconds(timeout);
        carryOut(order);
      }
    }
    std::cout.flush();
    // The libraries' own threads would be waited for.
    _exit(0);
  }

 private:
  struct Operation {
    Clock::time_point begin;
    double milliseconds = 0;
    int confirmations = -1;
    bool isOver = false;
    bool isDone = false;
  };

  static double milliseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
  }

  void carryOut(Order const& order) {
    std::vector<Operation> operations(order.count);
    std::vector<Completion> completions;
    std::string reason;
    // Numbers go on from batch to batch, so that what comes late is not taken for another.
    std::uint64_t const first = nextOperation;
    nextOperation += order.count;
    std::size_t begun = 0, over = 0, oldest = 0, timedOut = 0;

    auto finish = [&](Operation& operation, Clock::time_point at, Completion const& completion) {
      operation.isOver = true;
      operation.isDone = completion.isDone;
      operation.milliseconds = milliseconds(at - operation.begin);
      operation.confirmations = completion.confirmations;
      over += 1;
      if (!completion.isDone && reason.empty()) reason = completion.reason;
    };

    auto const start = Clock::now();
    while (over < order.count) {
      while (begun < order.count && begun - over < order.inFlight) {
        std::string key = order.prefix + "-" + std::to_string(begun);
        std::string value = valueOf(key, order.size);
        operations[begun].begin = Clock::now();
        if (order.isPut) {
          peer.put(first + begun, key, std::move(value));
        } else {
          peer.get(first + begun, key, std::move(value));
        }
        begun += 1;
      }
      completions.clear();
      peer.wait(std::chrono::milliseconds(50), completions);
      for (Completion const& completion : completions) {
        std::uint64_t index = completion.operation - first;
        if (completion.operation < first || index >= begun || operations[index].isOver) continue;
        finish(operations[index], completion.at, completion);
      }
      while (oldest < begun && operations[oldest].isOver) oldest += 1;
      auto const now = Clock::now();
      for (std::size_t i = oldest; i < begun && now - operations[i].begin > order.timeout; i += 1) {
        if (operations[i].isOver) continue;
        finish(operations[i], now, Completion{first + i, false, -1, "timeout"});
        timedOut += 1;
      }
    }
    double const wall = milliseconds(Clock::now() - start);
    report(operations, wall, timedOut, reason);
  }

  static void report(
      std::vector<Operation> const& operations, double wall, std::size_t timedOut, std::string const& reason) {
    std::string out = "{\"wall_ms\":" + std::to_string(wall) + ",\"timed_out\":" + std::to_string(timedOut) +
                      ",\"reason\":\"" + reason + "\",\"operations\":[";
    char text[64];
    char const* separator = "";
    for (Operation const& operation : operations) {
      std::snprintf(
          text, sizeof text, "%s[%.4f,%d,%d]", separator, operation.milliseconds, operation.isDone,
          operation.confirmations);
      out += text;
      separator = ",";
    }
    std::cout << out << "]}" << std::endl;
  }

  Peer& peer;
  std::uint64_t nextOperation = 1;
};
