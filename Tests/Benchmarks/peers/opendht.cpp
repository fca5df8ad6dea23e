// An OpenDHT node.
#include <opendht.h>

#include <memory>

#include "completions.hpp"

namespace {

// Apart from every other network of OpenDHT's.
constexpr dht::NetId network = 4242;

class OpenDht : public Peer {
 public:
  void start(int port, int bootstrap) override {
    dht::DhtRunner::Config config;
    auto& node = config.dht_config.node_config;
    // All nodes have one address here, and its limits are by address.
    node.max_req_per_sec = -1;
    node.max_peer_req_per_sec = -1;
    node.network = network;
    config.threaded = true;
    config.peer_discovery = false;
    config.peer_publish = false;
    config.bind4 = loopback(port);
    runner.run(config, dht::DhtRunner::Context{});
    if (bootstrap) runner.bootstrap(loopback(bootstrap));
  }

  std::vector<pid_t> clientThreads() override { return {getpid()}; }

  int contacts() override { return static_cast<int>(runner.getNodesStats(AF_INET).getKnownNodes()); }

  void put(std::uint64_t operation, std::string const& key, std::string value) override {
    auto stored = std::make_shared<dht::Value>(dht::Blob(value.begin(), value.end()));
    runner.put(
        dht::InfoHash::get(key), stored,
        [this, operation](bool isDone, std::vector<std::shared_ptr<dht::Node>> const& nodes) {
          completions.add({operation, isDone, static_cast<int>(nodes.size()), "no node stored it"});
        });
  }

  void get(std::uint64_t operation, std::string const& key, std::string expected) override {
    struct Reading {
      std::string expected;
      bool isDone = false;
    };
    auto reading = std::make_shared<Reading>(Reading{std::move(expected)});
    runner.get(
        dht::InfoHash::get(key),
        [this, operation, reading](std::vector<std::shared_ptr<dht::Value>> const& values) {
          for (auto const& value : values) {
            if (reading->isDone || std::string(value->data.begin(), value->data.end()) != reading->expected) continue;
            reading->isDone = true;
            completions.add({operation, true, -1, ""});
          }
          // The first good one ends the search.
          return !reading->isDone;
        },
        [this, operation, reading](bool isDone, std::vector<std::shared_ptr<dht::Node>> const&) {
          if (!reading->isDone) completions.add({operation, false, -1, isDone ? "not_found" : "no node answered"});
        });
  }

  void wait(std::chrono::milliseconds limit, std::vector<Completion>& out) override { completions.wait(limit, out); }

 private:
  static dht::SockAddr loopback(int port) {
    dht::SockAddr address;
    address.setFamily(AF_INET);
    address.setAddress("127.0.0.1");
    address.setPort(static_cast<in_port_t>(port));
    return address;
  }

  Completions completions;
  dht::DhtRunner runner;
};

}  // namespace

int main(int argc, char** argv) {
  // Its threads go on until the process ends.
  static OpenDht* opendht = new OpenDht;
  return Worker(*opendht).run(argc, argv);
}
