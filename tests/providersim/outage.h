// An outage that a test switches on: no completion is answered as asked.
#pragma once

#include <atomic>

namespace penstock::providersim {

// Thread-safe.
class Outage {
 public:
  // Every completion is answered with `status` from now on; 0: no longer.
  void Answer(int status) { answer_ = status; }
  // Every completion's connection is reset from now on.
  void Reset() { answer_ = kReset; }

  bool resets() const { return answer_ == kReset; }
  // 0: none.
  int status() const {
    const int answer = answer_;
    return answer == kReset ? 0 : answer;
  }

 private:
  static constexpr int kReset = -1;

  std::atomic<int> answer_ = 0;
};

}  // namespace penstock::providersim
