// What Anthropic says that an answer used.
#pragma once

#include <cstdint>
#include <optional>

#include <boost/json/fwd.hpp>

#include "penstock/chat/v1/message.pb.h"

namespace penstock::provider_adapter {

// Counts come more than once, are cumulative, and the last one that is a number holds. Anthropic
// leaves what the cache read and wrote out of `input_tokens`; it is added here, for our totals are
// inclusive. Not thread-safe.
class AnthropicUsage {
 public:
  // `usage` is a member of that name; what is no object is passed over.
  void Read(const boost::json::value& usage);

  // Of the input: known as soon as the answer begins.
  chat::v1::Usage Input() const;
  // And of the output, which counts only once the answer is whole.
  chat::v1::Usage All() const;

 private:
  std::optional<int64_t> input_;
  std::optional<int64_t> cache_read_;
  std::optional<int64_t> cache_write_;
  std::optional<int64_t> output_;
  std::optional<int64_t> thinking_;
};

}  // namespace penstock::provider_adapter
