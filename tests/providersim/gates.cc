#include "tests/providersim/gates.h"

#include <algorithm>

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {

bool Gates::Passed(absl::string_view id, int count, std::function<void()> wake) {
  MutexLock lock(mutex_);
  Gate& gate = gates_[std::string(id)];
  if (gate.acknowledged >= count) return true;
  gate.waiters.emplace_back(count, std::move(wake));
  return false;
}

void Gates::Acknowledge(absl::string_view id, int acknowledged) {
  std::vector<std::function<void()>> woken;
  {
    MutexLock lock(mutex_);
    Gate& gate = gates_[std::string(id)];
    gate.acknowledged = std::max(gate.acknowledged, acknowledged);
    auto passed = std::partition(gate.waiters.begin(), gate.waiters.end(), [&](const auto& waiter) {
      return waiter.first > gate.acknowledged;
    });
    for (auto waiter = passed; waiter != gate.waiters.end(); ++waiter) {
      woken.push_back(std::move(waiter->second));
    }
    gate.waiters.erase(passed, gate.waiters.end());
  }
  for (auto& wake : woken) wake();
}

std::string Gates::Json(absl::string_view id) const {
  MutexLock lock(mutex_);
  auto gate = gates_.find(std::string(id));
  const bool known = gate != gates_.end();
  return absl::StrCat("{\"gate\":", JsonString(id),
                      ",\"acknowledged\":", known ? gate->second.acknowledged : 0,
                      ",\"waiting\":", known ? gate->second.waiters.size() : 0, "}\n");
}

}  // namespace penstock::providersim
