// Steps 4 and 5 of a turn's life on one model: a permit, and its answer.
#pragma once

#include <optional>

#include "services/dispatcher/turn/generate_step.h"
#include "services/dispatcher/turn/model_chain.h"
#include "services/dispatcher/turn/prepare_turn.h"

namespace penstock::dispatcher {

// A step on its way through the models that may answer it.
struct Way {
  ModelChain chain;
  // Clock::Monotonic.
  absl::Duration begun;
  // Its start is journaled.
  bool claimed = false;
  // On all models together.
  int32_t attempts = 0;
};

// How a step went on at one model.
struct Tried {
  // Without it, the model failed, and the caller has seen nothing.
  std::optional<Progress> progress;
  provider::v1::GenerateFailed failed;
  // No call was made: what is asked does not fit the model.
  bool unfit = false;
};

provider::v1::GenerateFailed Failure(chat::v1::ErrorKind kind, absl::string_view message);
Progress Ends(Ending ending);
Tried GoesOn(Progress progress);

// What the call of this prompt takes.
CallSize SizeOf(const Prompt& prompt);

// For a turn that stands in the line of the model's pool. With the only retry loop of the mesh.
Awaitable<Tried> GenerateOnModel(const Run& run, Way& way, WaitingTurn& waiting,
                                 const Prepared& prepared);

}  // namespace penstock::dispatcher
