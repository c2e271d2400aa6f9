// memory-recall as the dispatcher sees it: what was ingested of a user is recalled, sometimes too
// late.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "services/dispatcher/turn/peers.h"
#include "tests/simulation/network.h"
#include "tests/simulation/session_model.h"

namespace penstock::simulation {

class MemoryModel {
 public:
  absl::StatusOr<memory::v1::RecallResponse> Recall(const std::string& user) const {
    if (!up_) return absl::UnavailableError("memory-recall is down");
    memory::v1::RecallResponse response;
    const auto last = last_.find(user);
    if (last == last_.end()) return response;
    auto& memory = *response.add_memories()->mutable_memory();
    memory.set_name("memories/last");
    memory.set_text(last->second);
    return response;
  }
  absl::StatusOr<memory::v1::IngestResponse> Ingest(const std::string& user,
                                                    const memory::v1::IngestRequest& request) {
    if (!up_) return absl::UnavailableError("memory-recall is down");
    ++ingested_;
    last_[user] = request.input(0).text().text();
    return memory::v1::IngestResponse();
  }
  void SetUp(bool up) { up_ = up; }
  int64_t ingested() const { return ingested_; }

 private:
  bool up_ = true;
  int64_t ingested_ = 0;
  // What each user said last.
  std::map<std::string, std::string> last_;
};

// The model at the end of a process's calls.
class MemoryLink : public dispatcher::MemoryPeer {
 public:
  MemoryLink(Life& life, Network& network, MemoryModel& model)
      : life_(life), network_(network), model_(model) {}

  Awaitable<absl::StatusOr<memory::v1::RecallResponse>> Recall(PeerCall call,
                                                               memory::v1::RecallRequest) override {
    // Some take longer than anybody waits for.
    if (life_.chance().With(0.05)) (co_await life_.Pause(absl::Milliseconds(149))).IgnoreError();
    co_return co_await network_.Call<memory::v1::RecallResponse>(
        life_, {.deadline = call.deadline, .stop = call.stop},
        [&model = model_, user = UserOf(call.principal)] { return model.Recall(user); });
  }
  Awaitable<absl::StatusOr<memory::v1::IngestResponse>> Ingest(
      PeerCall call, memory::v1::IngestRequest request) override {
    co_return co_await network_.Call<memory::v1::IngestResponse>(
        life_, {.deadline = call.deadline, .stop = call.stop},
        [&model = model_, user = UserOf(call.principal), request = std::move(request)] {
          return model.Ingest(user, request);
        });
  }

 private:
  Life& life_;
  Network& network_;
  MemoryModel& model_;
};

}  // namespace penstock::simulation
