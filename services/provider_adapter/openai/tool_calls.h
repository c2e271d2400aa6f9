// Reads `tool_calls` of OpenAI Chat Completions, in pieces or whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "services/provider_adapter/provider.h"

namespace penstock::provider_adapter {

// A piece belongs to the call with its `index`; id and name stand in the first one. Tolerated of
// compatible servers: an index that does not begin at 0, or is missing, or is 0 for each of several
// calls; no id; another id in each piece; the name in each piece; the arguments as an object.
class OpenAiToolCalls {
 public:
  // `calls` is the member "tool_calls", of a delta or of a whole message.
  void Read(const boost::json::value& calls, AnswerSink& sink);

 private:
  struct Call {
    std::optional<int64_t> index;
    std::string id;
  };

  void ReadPiece(const boost::json::value& piece, AnswerSink& sink);
  // The number of the call that a piece goes on with; nullopt: it begins one.
  std::optional<size_t> Find(std::optional<int64_t> index, absl::string_view id,
                             absl::string_view name) const;

  std::vector<Call> calls_;
};

}  // namespace penstock::provider_adapter
