#include "services/dispatcher/turn/steps.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using chat::v1::Step;
using chat::v1::ToolCall;
using chat::v1::ToolResult;
using chat::v1::Usage;

std::vector<ToolCall> CallsOf(const Step& step) {
  std::vector<ToolCall> calls;
  for (const Part& part : step.message().parts()) {
    if (part.has_tool_call()) calls.push_back(part.tool_call());
  }
  return calls;
}

Message MessageOf(const Steps::Results& results) {
  Message message;
  message.set_role(chat::v1::TOOL);
  for (const ToolResult& result : results) *message.add_parts()->mutable_tool_result() = result;
  return message;
}

// Absent stays absent until something was reported.
void Sum(std::optional<int64_t> more, int64_t before, auto set) {
  if (more) set(before + *more);
}

void SumUsage(const Usage& more, Usage& usage) {
  const auto of = [](bool has, int64_t tokens) {
    return has ? std::optional(tokens) : std::nullopt;
  };
  Sum(of(more.has_input_tokens(), more.input_tokens()), usage.input_tokens(),
      [&](int64_t sum) { usage.set_input_tokens(sum); });
  Sum(of(more.has_output_tokens(), more.output_tokens()), usage.output_tokens(),
      [&](int64_t sum) { usage.set_output_tokens(sum); });
  Sum(of(more.has_cache_read_input_tokens(), more.cache_read_input_tokens()),
      usage.cache_read_input_tokens(),
      [&](int64_t sum) { usage.set_cache_read_input_tokens(sum); });
  Sum(of(more.has_cache_write_input_tokens(), more.cache_write_input_tokens()),
      usage.cache_write_input_tokens(),
      [&](int64_t sum) { usage.set_cache_write_input_tokens(sum); });
  Sum(of(more.has_reasoning_output_tokens(), more.reasoning_output_tokens()),
      usage.reasoning_output_tokens(),
      [&](int64_t sum) { usage.set_reasoning_output_tokens(sum); });
  usage.set_estimated(usage.estimated() || more.estimated());
}

// At most so many: a status has to fit into a few KiB.
constexpr size_t kListedIds = 16;

std::string Listed(std::vector<std::string> ids) {
  const size_t more = ids.size() - std::min(ids.size(), kListedIds);
  ids.resize(ids.size() - more);
  return absl::StrCat(absl::StrJoin(ids, ","), more == 0 ? "" : absl::StrCat(",+", more));
}

}  // namespace

int64_t BytesOf(const Message& message) {
  size_t bytes = 0;
  for (const Part& part : message.parts()) {
    bytes += part.text().text().size() + part.reasoning().text().size() +
             part.refusal().text().size() + part.tool_call().name().size() +
             part.tool_call().arguments().size() + part.tool_result().content().size();
  }
  return static_cast<int64_t>(bytes);
}

int64_t KeptBytesOf(const Message& message) {
  size_t bytes = 0;
  for (const Part& part : message.parts()) {
    bytes += part.opaque().data().size() + part.reasoning().state().data().size();
  }
  return BytesOf(message) + static_cast<int64_t>(bytes);
}

absl::Status NotAwaitingTools(absl::string_view turn, chat::v1::Turn::State state) {
  return Refusal(absl::StatusCode::kFailedPrecondition, "TURN_NOT_AWAITING_TOOLS",
                 absl::StrCat(turn, ": it waits for no tool results; its state is ",
                              chat::v1::Turn::State_Name(state)))
      .With("name", turn)
      .With("state", chat::v1::Turn::State_Name(state));
}

Steps Steps::Of(google::protobuf::RepeatedPtrField<Step> steps,
                std::vector<v1::ToolResults> results) {
  Steps found;
  for (Step& step : steps) {
    found.Add(std::move(step));
    const auto answer = std::find_if(results.begin(), results.end(), [&](const auto& each) {
      return each.step() == found.current() - 1;
    });
    if (answer != results.end() && found.Check(answer->results()).ok()) {
      found.Answer(std::move(*answer));
    }
  }
  return found;
}

Steps Steps::OfEnded(std::vector<v1::ToolResults> results) {
  Steps ended;
  ended.answers_ = std::move(results);
  for (v1::ToolResults& answer : ended.answers_) answer.clear_results();
  return ended;
}

void Steps::Spent::Add(const Usage& more, std::optional<int64_t> cost) {
  SumUsage(more, usage);
  if (cost) cost_nano_usd = cost_nano_usd.value_or(0) + *cost;
}

Steps::Spent Steps::SpentOn(const Step& step) {
  Spent spent{.usage = step.usage(), .cost_nano_usd = std::nullopt};
  if (step.has_cost_nano_usd()) spent.cost_nano_usd = step.cost_nano_usd();
  return spent;
}

void Steps::Spend(const Usage& usage, std::optional<int64_t> cost_nano_usd) {
  current_.Add(usage, cost_nano_usd);
}

Step Steps::Current(Message message) const {
  Step step;
  step.set_step(current());
  *step.mutable_message() = std::move(message);
  *step.mutable_usage() = current_.usage;
  if (current_.cost_nano_usd) step.set_cost_nano_usd(*current_.cost_nano_usd);
  return step;
}

void Steps::Add(Step step) {
  finished_.push_back(std::move(step));
  current_ = {};
}

std::vector<ToolCall> Steps::OpenCalls() const {
  if (finished_.empty() || !finished_.back().results().empty()) return {};
  return CallsOf(finished_.back());
}

absl::Time Steps::AskedAt() const {
  return finished_.empty() ? absl::InfinitePast() : FromProto(finished_.back().time());
}

int64_t Steps::tool_calls() const {
  size_t calls = 0;
  for (const Step& step : finished_) calls += CallsOf(step).size();
  return static_cast<int64_t>(calls);
}

int64_t Steps::output_bytes() const {
  int64_t bytes = 0;
  for (const Step& step : finished_) bytes += KeptBytesOf(step.message());
  return bytes;
}

int64_t Steps::result_bytes() const {
  int64_t bytes = 0;
  for (const Step& step : finished_) bytes += BytesOf(MessageOf(step.results()));
  return bytes;
}

bool Steps::HasCall(absl::string_view id) const {
  return std::any_of(finished_.begin(), finished_.end(), [&](const Step& step) {
    return std::any_of(
        step.message().parts().begin(), step.message().parts().end(), [&](const Part& part) {
          return part.has_tool_call() && absl::string_view(part.tool_call().id()) == id;
        });
  });
}

absl::Status Steps::Check(const Results& results) const {
  absl::flat_hash_map<std::string, int> given;
  std::vector<std::string> expected, missing, unknown, repeated;
  for (const ToolResult& result : results) ++given[result.tool_call_id()];
  for (const ToolCall& call : OpenCalls()) {
    expected.push_back(call.id());
    if (!given.contains(call.id())) missing.push_back(call.id());
  }
  for (const auto& [id, times] : given) {
    const bool known = std::find(expected.begin(), expected.end(), id) != expected.end();
    if (!known) unknown.push_back(id.substr(0, 64));
    if (known && times > 1) repeated.push_back(id);
  }
  if (missing.empty() && unknown.empty() && repeated.empty()) return absl::OkStatus();
  std::sort(unknown.begin(), unknown.end());
  std::sort(repeated.begin(), repeated.end());
  return Refusal(absl::StatusCode::kFailedPrecondition, "TOOL_CALL_MISMATCH",
                 absl::StrCat("results: expected one for each of [", Listed(expected),
                              "]; missing [", Listed(missing), "], unknown [", Listed(unknown),
                              "], given more than once [", Listed(repeated), "]"))
      .With("expected_ids", Listed(expected))
      .With("missing_ids", Listed(missing))
      .With("unknown_ids", Listed(unknown))
      .With("repeated_ids", Listed(repeated));
}

void Steps::Answer(v1::ToolResults answer) {
  Step& step = finished_.back();
  for (const ToolCall& call : OpenCalls()) {
    const auto result =
        std::find_if(answer.results().begin(), answer.results().end(),
                     [&](const ToolResult& each) { return each.tool_call_id() == call.id(); });
    if (result != answer.results().end()) *step.add_results() = *result;
  }
  answer.clear_results();
  answers_.push_back(std::move(answer));
}

void Steps::CloseOpenCalls(absl::string_view why) {
  for (const ToolCall& call : OpenCalls()) {
    ToolResult& result = *finished_.back().add_results();
    result.set_tool_call_id(call.id());
    result.set_content(why.data(), why.size());
    result.set_is_error(true);
  }
}

std::vector<Message> Steps::Messages() const {
  std::vector<Message> messages;
  for (const Step& step : finished_) {
    messages.push_back(step.message());
    if (!step.results().empty()) messages.push_back(MessageOf(step.results()));
  }
  return messages;
}

void Steps::AddTo(chat::v1::Turn& turn) const {
  for (Message& message : Messages()) *turn.add_output() = std::move(message);
  Spent all = current_;
  for (const Step& step : finished_) {
    const Spent spent = SpentOn(step);
    all.Add(spent.usage, spent.cost_nano_usd);
  }
  if (all.usage.ByteSizeLong() > 0) *turn.mutable_usage() = std::move(all.usage);
  if (all.cost_nano_usd) turn.set_cost_nano_usd(*all.cost_nano_usd);
}

void Steps::AddTo(v1::UsageRow& row) const {
  if (finished_.empty()) return;
  const auto add = [&](int32_t number, const Spent& spent) {
    v1::UsageRow::Step& step = *row.add_steps();
    step.set_step(number);
    *step.mutable_usage() = spent.usage;
    if (spent.cost_nano_usd) step.set_cost_nano_usd(*spent.cost_nano_usd);
  };
  for (const Step& step : finished_) add(step.step(), SpentOn(step));
  add(current(), current_);
}

}  // namespace penstock::dispatcher
