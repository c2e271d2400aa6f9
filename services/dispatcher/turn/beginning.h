// How a turn began, as its caller sees it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// A value.
class Beginning {
 public:
  // A call of `model` begins. True for the first one, which says with what the turn starts, and for
  // one of another model than the last.
  bool Call(absl::string_view model, std::vector<std::string> memories, bool recall_degraded,
            absl::Time now) {
    if (start_time_ && model_ == model) return false;
    model_ = std::string(model);
    if (start_time_) return true;
    start_time_ = now;
    memories_ = std::move(memories);
    recall_degraded_ = recall_degraded;
    return true;
  }

  // An earlier life has come as far as an answer of this model.
  void Resume(absl::string_view model) { model_ = std::string(model); }

  void Output(absl::Time now) {
    if (!first_output_time_) first_output_time_ = now;
  }

  void AddTo(chat::v1::Turn& turn) const {
    turn.set_recall_degraded(recall_degraded_);
    turn.set_model(model_);
    for (const auto& memory : memories_) turn.add_recalled_memories(memory);
    if (start_time_) *turn.mutable_start_time() = ToProto(*start_time_);
    if (first_output_time_) *turn.mutable_first_output_time() = ToProto(*first_output_time_);
  }

 private:
  std::string model_;
  std::vector<std::string> memories_;
  bool recall_degraded_ = false;
  std::optional<absl::Time> start_time_;
  std::optional<absl::Time> first_output_time_;
};

}  // namespace penstock::dispatcher
