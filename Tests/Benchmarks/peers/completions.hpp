// Completions that come on a thread of a library, for the thread that waits for them.
#pragma once

#include <condition_variable>
#include <mutex>

#include "worker.hpp"

class Completions {
 public:
  void add(Completion completion) {
    std::lock_guard<std::mutex> lock(mutex);
    waiting.push_back(std::move(completion));
    if (waiting.size() == 1) arrival.notify_one();
  }

  void wait(std::chrono::milliseconds limit, std::vector<Completion>& out) {
    std::unique_lock<std::mutex> lock(mutex);
    arrival.wait_for(lock, limit, [this] { return !waiting.empty(); });
    out.insert(out.end(), std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
    waiting.clear();
  }

 private:
  std::mutex mutex;
  std::condition_variable arrival;
  std::vector<Completion> waiting;
};
