// A libtorrent session that is a node of the BitTorrent DHT and nothing else. Items are immutable (BEP 44, the
// key is the SHA-1 of the value), or signed with $LIBTORRENT_ITEMS=signed (a key pair for all, the key is the
// salt).
#include <libtorrent/alert_types.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/kademlia/ed25519.hpp>
#include <libtorrent/kademlia/item.hpp>
#include <libtorrent/kademlia/types.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/session_stats.hpp>
#include <libtorrent/settings_pack.hpp>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <unordered_map>

#include "completions.hpp"

namespace lt = libtorrent;

namespace {

class Libtorrent : public Peer {
 public:
  void start(int port, int bootstrap) override {
    char const* items = std::getenv("LIBTORRENT_ITEMS");
    isSigned = items && std::string_view(items) == "signed";
    std::array<char, 32> seed;
    seed.fill(7);
    std::tie(publicKey, secretKey) = lt::dht::ed25519_create_keypair(seed);

    lt::session_params params;
    configure(params.settings, port, bootstrap);
    // An ID made of the address (BEP 42) would put all nodes of this machine into 8 clusters.
    std::random_device random;
    lt::sha1_hash id;
    for (auto& byte : id) byte = static_cast<unsigned char>(random());
    params.dht_state.nids.emplace_back(lt::make_address("127.0.0.1"), id);
    session = std::make_unique<lt::session>(std::move(params));
    std::thread([this] {
      alertThread = gettid();
      takeAlerts();
    }).detach();
    while (alertThread == 0) std::this_thread::yield();
  }

  std::vector<pid_t> clientThreads() override { return {getpid(), alertThread}; }

  int contacts() override {
    std::unique_lock<std::mutex> lock(mutex);
    int const before = reports;
    lock.unlock();
    session->post_session_stats();
    lock.lock();
    reported.wait_for(lock, std::chrono::seconds(2), [&] { return reports > before; });
    return known;
  }

  void put(std::uint64_t operation, std::string const& key, std::string value) override {
    if (!isSigned) {
      await(target(value).to_string(), {operation, ""});
      session->dht_put_item(lt::entry(value));
      return;
    }
    await(key, {operation, ""});
    auto const sign = [value = std::move(value), pair = std::make_pair(publicKey, secretKey)](
                          lt::entry& item, std::array<char, 64>& signature, std::int64_t& seq,
                          std::string const& salt) {
      item = value;
      seq += 1;
      std::vector<char> bytes;
      lt::bencode(std::back_inserter(bytes), item);
      signature = lt::dht::sign_mutable_item(bytes, salt, lt::dht::sequence_number(seq), pair.first, pair.second).bytes;
    };
    session->dht_put_item(publicKey.bytes, sign, key);
  }

  void get(std::uint64_t operation, std::string const& key, std::string expected) override {
    if (isSigned) {
      await(key, {operation, std::move(expected)});
      session->dht_get_item(publicKey.bytes, key);
    } else {
      lt::sha1_hash const wanted = target(expected);
      await(wanted.to_string(), {operation, std::move(expected)});
      session->dht_get_item(wanted);
    }
  }

  void wait(std::chrono::milliseconds limit, std::vector<Completion>& out) override { completions.wait(limit, out); }

 private:
  struct Awaited {
    std::uint64_t operation;
    std::string expected;
  };

  static void configure(lt::settings_pack& settings, int port, int bootstrap) {
    using Settings = lt::settings_pack;
    settings.set_str(Settings::listen_interfaces, "127.0.0.1:" + std::to_string(port));
    settings.set_str(
        Settings::dht_bootstrap_nodes, bootstrap ? "127.0.0.1:" + std::to_string(bootstrap) : std::string());
    settings.set_bool(Settings::enable_dht, true);
    for (int other : {Settings::enable_lsd, Settings::enable_upnp, Settings::enable_natpmp}) {
      settings.set_bool(other, false);
    }
    // All nodes have one address here. Its guards against one host with many nodes would stop them.
    for (int guard : {Settings::dht_restrict_routing_ips, Settings::dht_restrict_search_ips,
                      Settings::dht_enforce_node_id, Settings::dht_prefer_verified_node_ids,
                      Settings::dht_ignore_dark_internet}) {
      settings.set_bool(guard, false);
    }
    settings.set_int(Settings::dht_upload_rate_limit, 100'000'000);
    settings.set_int(Settings::dht_block_ratelimit, 10'000'000);
    settings.set_int(Settings::dht_max_dht_items, 1'000'000);
    // With the system's own buffers it loses datagrams at 64 operations in flight, and stalls.
    settings.set_int(Settings::recv_socket_buffer_size, 4 << 20);
    settings.set_int(Settings::send_socket_buffer_size, 4 << 20);
    settings.set_int(Settings::alert_queue_size, 1'000'000);
    auto const mask = lt::alert_category::dht | lt::alert_category::stats | lt::alert_category::error;
    settings.set_int(Settings::alert_mask, static_cast<int>(static_cast<std::uint32_t>(mask)));
  }

  static lt::sha1_hash target(std::string const& value) {
    return lt::hasher(std::to_string(value.size()) + ":" + value).final();
  }

  void await(std::string const& name, Awaited operation) {
    std::lock_guard<std::mutex> lock(mutex);
    awaited.insert_or_assign(name, std::move(operation));
  }

  void takeAlerts() {
    int const nodes = lt::find_metric_idx("dht.dht_nodes");
    std::vector<lt::alert*> alerts;
    while (true) {
      session->wait_for_alert(std::chrono::seconds(3600));
      session->pop_alerts(&alerts);
      for (lt::alert* alert : alerts) {
        if (auto* put = lt::alert_cast<lt::dht_put_alert>(alert)) {
          stored(isSigned ? put->salt : put->target.to_string(), put->num_success);
        } else if (auto* immutable = lt::alert_cast<lt::dht_immutable_item_alert>(alert)) {
          read(immutable->target.to_string(), immutable->item, true);
        } else if (auto* item = lt::alert_cast<lt::dht_mutable_item_alert>(alert)) {
          read(item->salt, item->item, item->authoritative);
        } else if (auto* stats = lt::alert_cast<lt::session_stats_alert>(alert)) {
          std::lock_guard<std::mutex> lock(mutex);
          known = static_cast<int>(stats->counters()[nodes]);
          reports += 1;
          reported.notify_all();
        }
      }
    }
  }

  void stored(std::string const& name, int confirmations) {
    std::lock_guard<std::mutex> lock(mutex);
    auto const found = awaited.find(name);
    if (found == awaited.end()) return;
    completions.add({found->second.operation, confirmations > 0, confirmations, "no node stored it"});
    awaited.erase(found);
  }

  void read(std::string const& name, lt::entry const& item, bool isLast) {
    std::lock_guard<std::mutex> lock(mutex);
    auto const found = awaited.find(name);
    if (found == awaited.end()) return;
    bool const isRight = item.type() == lt::entry::string_t && item.string() == found->second.expected;
    // A signed item that is not the last may be an old one.
    if (!isRight && !isLast) return;
    completions.add({found->second.operation, isRight, -1, "not_found"});
    awaited.erase(found);
  }

  bool isSigned = false;
  std::unique_ptr<lt::session> session;
  std::atomic<pid_t> alertThread = 0;
  lt::dht::public_key publicKey;
  lt::dht::secret_key secretKey;
  Completions completions;

  std::mutex mutex;
  std::condition_variable reported;
  std::unordered_map<std::string, Awaited> awaited;
  int known = 0;
  int reports = 0;
};

}  // namespace

int main(int argc, char** argv) {
  static Libtorrent libtorrent;
  return Worker(libtorrent).run(argc, argv);
}
