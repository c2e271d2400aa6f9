// Which beginnings of a prompt a request marks for the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/providersim/anthropic/fields.h"
#include "tests/providersim/api_error.h"
#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

// Reads `cache_control` of one block: {"type":"ephemeral","ttl":"5m" or "1h"}.
Refused ReadCacheMark(const Fields& block, CacheMark& out);

// Hears of the blocks of a prompt in their order: tools, system, messages. Each is in `prompt`
// already when it is added, and nothing behind it.
class CacheMarks {
 public:
  // Without `enabled` it hears nothing: the request marks nothing.
  explicit CacheMarks(bool enabled) : enabled_(enabled) {}

  // A text, whether it is a string or a block.
  void AddText(absl::string_view role, absl::string_view text, CacheMark mark,
               const Prompt& prompt);
  // Any other block.
  void AddBlock(absl::string_view role, const boost::json::object& block, CacheMark mark,
                const Prompt& prompt);
  // The request's own cache_control: the last block is marked.
  void MarkLast(CacheMark mark);
  // At most 4 marks, and none of an hour behind one of 5 minutes.
  Refused Check() const;
  // Empty when nothing is marked.
  std::vector<CachePrefix> Take();

 private:
  void Add(absl::string_view role, absl::string_view text, CacheMark mark, const Prompt& prompt);
  bool any() const;

  const bool enabled_;
  // Tokens of the messages before `counted_`.
  int64_t tokens_ = 0;
  size_t counted_ = 0;
  std::vector<CachePrefix> prefixes_;
};

}  // namespace penstock::providersim::anthropic
