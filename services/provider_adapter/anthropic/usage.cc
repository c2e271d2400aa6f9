#include "services/provider_adapter/anthropic/usage.h"

#include <boost/json/value.hpp>

#include "services/provider_adapter/json_text.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;

// No answer has more; the sum of three stays an int64.
constexpr int64_t kMostTokens = int64_t{1} << 48;

void Take(const value* object, absl::string_view name, std::optional<int64_t>& into) {
  const auto count = CountMember(object, name);
  if (count && *count <= kMostTokens) into = count;
}

}  // namespace

void AnthropicUsage::Read(const value& usage) {
  Take(&usage, "input_tokens", input_);
  Take(&usage, "cache_read_input_tokens", cache_read_);
  Take(&usage, "cache_creation_input_tokens", cache_write_);
  Take(&usage, "output_tokens", output_);
  Take(Member(&usage, "output_tokens_details"), "thinking_tokens", thinking_);
}

chat::v1::Usage AnthropicUsage::Input() const {
  chat::v1::Usage result;
  if (input_) {
    result.set_input_tokens(*input_ + cache_read_.value_or(0) + cache_write_.value_or(0));
  }
  if (cache_read_) result.set_cache_read_input_tokens(*cache_read_);
  if (cache_write_) result.set_cache_write_input_tokens(*cache_write_);
  return result;
}

chat::v1::Usage AnthropicUsage::All() const {
  chat::v1::Usage result = Input();
  if (output_) result.set_output_tokens(*output_);
  if (thinking_) result.set_reasoning_output_tokens(*thinking_);
  return result;
}

}  // namespace penstock::provider_adapter
