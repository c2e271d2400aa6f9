// The models that may answer a step: the agent's, then those that take over when it fails.
#pragma once

#include "penstock/chat/v1/message.pb.h"
#include "penstock/config/v1/config.pb.h"

namespace penstock::dispatcher {

// Goes down `fallbacks` of the first model, in order and each at most once; those of a fallback are
// not followed. A fallback takes over from the kinds that it lists, else from those of TakesOver;
// from CONTEXT_WINDOW only with a larger window. The configuration outlives it and is valid.
class ModelChain {
 public:
  ModelChain(const config::v1::Config& config, const config::v1::Model& first)
      : config_(config), first_(first), model_(&first) {}

  const config::v1::Model& model() const { return *model_; }
  bool at_end() const { return next_ == first_.fallbacks_size(); }
  // Whether a further model takes over from the current one after this error.
  bool Takes(chat::v1::ErrorKind kind) const { return Find(kind) < first_.fallbacks_size(); }
  // Moves to it; false, and nothing changes, when there is none.
  bool Move(chat::v1::ErrorKind kind);

  // What another provider may do better.
  static bool TakesOver(chat::v1::ErrorKind kind);

 private:
  const config::v1::Model& ModelOf(const config::v1::Fallback& fallback) const;
  // Index of the fallback; their number when there is none.
  int Find(chat::v1::ErrorKind kind) const;

  const config::v1::Config& config_;
  const config::v1::Model& first_;
  const config::v1::Model* model_;
  // The first fallback that was not passed.
  int next_ = 0;
};

}  // namespace penstock::dispatcher
