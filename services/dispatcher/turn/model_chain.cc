#include "services/dispatcher/turn/model_chain.h"

#include <algorithm>

namespace penstock::dispatcher {

bool ModelChain::TakesOver(chat::v1::ErrorKind kind) {
  switch (kind) {
    case chat::v1::PROVIDER_RATE_LIMITED:
    case chat::v1::PROVIDER_OVERLOADED:
    case chat::v1::PROVIDER_TIMEOUT:
    case chat::v1::PROVIDER_INTERNAL:
    case chat::v1::PROVIDER_AUTH:
    case chat::v1::PROVIDER_QUOTA:
    case chat::v1::PROVIDER_UNREACHABLE:
    case chat::v1::STREAM_TRUNCATED:
    case chat::v1::MALFORMED_RESPONSE:
      return true;
    default:
      return false;
  }
}

bool ModelChain::Move(chat::v1::ErrorKind kind) {
  const int found = Find(kind);
  if (found == first_.fallbacks_size()) return false;
  model_ = &ModelOf(first_.fallbacks(found));
  next_ = found + 1;
  return true;
}

const config::v1::Model& ModelChain::ModelOf(const config::v1::Fallback& fallback) const {
  return *std::find_if(config_.models().begin(), config_.models().end(),
                       [&](const auto& model) { return model.name() == fallback.model(); });
}

int ModelChain::Find(chat::v1::ErrorKind kind) const {
  for (int i = next_; i < first_.fallbacks_size(); ++i) {
    const config::v1::Fallback& fallback = first_.fallbacks(i);
    const bool listed = std::find(fallback.on().begin(), fallback.on().end(),
                                  chat::v1::ErrorKind_Name(kind)) != fallback.on().end();
    if (!listed && !(fallback.on().empty() && TakesOver(kind))) continue;
    if (kind == chat::v1::CONTEXT_WINDOW &&
        ModelOf(fallback).context_window_tokens() <= model_->context_window_tokens()) {
      continue;
    }
    return i;
  }
  return first_.fallbacks_size();
}

}  // namespace penstock::dispatcher
