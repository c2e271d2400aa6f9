#include "services/provider_adapter/openai/messages.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/request_parts.h"
#include "services/provider_adapter/tool_call_ids.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using provider::v1::GenerateRequest;

// The text of a part; null: it has none that is sent.
const std::string* TextOf(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return &part.text().text();
    case Part::kRefusal:
      return &part.refusal().text();
    default:
      return nullptr;
  }
}

bool CallsTools(const Message& message) {
  return std::any_of(message.parts().begin(), message.parts().end(),
                     [](const Part& part) { return part.has_tool_call(); });
}

// Reasoning that came without state of another protocol.
std::string ReasoningOf(const Message& message) {
  std::string reasoning;
  for (const Part& part : message.parts()) {
    if (part.has_reasoning() && !part.reasoning().has_state()) {
      reasoning.append(part.reasoning().text());
    }
  }
  return reasoning;
}

class MessageWriter {
 public:
  MessageWriter(std::string& json, const Quirks& quirks, const GenerateRequest& request)
      : json_(json),
        quirks_(quirks),
        request_(request),
        ids_(quirks.tool_call_ids_of_nine ? ToolCallIds::Form::kNine : ToolCallIds::Form::kForty) {}

  absl::Status Write() {
    json_.append(R"(,"messages":)");
    for (int i = 0; i < request_.messages_size(); ++i) {
      const Message& message = request_.messages(i);
      if (message.role() == chat::v1::TOOL) {
        PENSTOCK_RETURN_IF_ERROR(WriteResults(message, i));
      } else {
        WriteOpenCalls();
        WriteSpoken(message);
      }
    }
    WriteOpenCalls();
    if (!held_.empty()) WriteUser({});
    if (separator_ == '[') {
      return FieldInvalid("messages", "no text", "at least one message with text");
    }
    json_.push_back(']');
    return absl::OkStatus();
  }

 private:
  using Parts = std::vector<const Part*>;

  void WriteSpoken(const Message& message) {
    Parts said;
    for (const Part& part : message.parts()) {
      if (part.has_image() || TextOf(part) != nullptr) said.push_back(&part);
    }
    if (message.role() == chat::v1::ASSISTANT) {
      if (!said.empty() || CallsTools(message)) WriteAssistant(message, said);
    } else if (message.role() == chat::v1::USER) {
      if (!said.empty()) WriteUser(std::move(said));
    } else if (quirks_.system_in_user) {
      held_.insert(held_.end(), said.begin(), said.end());
    } else if (!said.empty()) {
      Begin(quirks_.system_as_developer ? "developer" : "system");
      AppendContent(said);
      json_.push_back('}');
    }
  }

  void WriteUser(Parts said) {
    Parts all = std::exchange(held_, {});
    all.insert(all.end(), said.begin(), said.end());
    Begin("user");
    AppendContent(all);
    json_.push_back('}');
  }

  void WriteAssistant(const Message& message, const Parts& said) {
    Begin("assistant");
    if (!said.empty()) {
      AppendContent(said);
    } else {
      json_.append(quirks_.no_null_content ? R"("")" : "null");
    }
    if (const std::string reasoning = ReasoningOf(message);
        quirks_.reasoning_content_back && !reasoning.empty()) {
      json_.append(R"(,"reasoning_content":)");
      AppendJsonString(json_, reasoning);
    }
    AppendCalls(message);
    json_.push_back('}');
  }

  // Up to the content.
  void Begin(absl::string_view role) {
    json_.push_back(std::exchange(separator_, ','));
    absl::StrAppend(&json_, R"({"role":")", role, R"(","content":)");
  }

  void AppendContent(const Parts& said) {
    const bool images =
        std::any_of(said.begin(), said.end(), [](const Part* part) { return part->has_image(); });
    if (images || (said.size() > 1 && !quirks_.text_content)) return AppendContentArray(said);
    if (said.size() == 1) return AppendJsonString(json_, *TextOf(*said.front()));
    std::string joined;
    for (const Part* part : said) {
      absl::StrAppend(&joined, joined.empty() ? "" : "\n\n", *TextOf(*part));
    }
    AppendJsonString(json_, joined);
  }

  void AppendContentArray(const Parts& said) {
    char separator = '[';
    for (const Part* part : said) {
      json_.push_back(std::exchange(separator, ','));
      if (part->has_image()) {
        AppendImage(part->image());
        continue;
      }
      json_.append(R"({"type":"text","text":)");
      AppendJsonString(json_, *TextOf(*part));
      json_.push_back('}');
    }
    json_.push_back(']');
  }

  void AppendImage(const chat::v1::Image& image) {
    json_.append(R"({"type":"image_url","image_url":{"url":)");
    if (image.has_url()) {
      AppendJsonString(json_, image.url());
    } else {
      absl::StrAppend(&json_, R"("data:)", image.media_type(), ";base64,",
                      absl::Base64Escape(image.data()), "\"");
    }
    json_.append("}}");
  }

  void AppendCalls(const Message& message) {
    absl::string_view separator = R"(,"tool_calls":[)";
    for (const Part& part : message.parts()) {
      if (!part.has_tool_call()) continue;
      absl::StrAppend(&json_, std::exchange(separator, ","), R"({"id":)");
      AppendJsonString(json_, ids_.Call(part.tool_call().id()));
      json_.append(R"(,"type":"function","function":{"name":)");
      AppendJsonString(json_, part.tool_call().name());
      json_.append(R"(,"arguments":)");
      AppendJsonString(json_, ArgumentsObject(part.tool_call().arguments()));
      json_.append("}}");
    }
    if (separator == ",") json_.push_back(']');
  }

  absl::Status WriteResults(const Message& message, int index) {
    for (int i = 0; i < message.parts_size(); ++i) {
      const chat::v1::ToolResult& result = message.parts(i).tool_result();
      const auto id = ids_.Result(result.tool_call_id());
      if (!id) return ResultWithoutCall(request_, index, i);
      WriteResult(*id, result.is_error(), result.content());
    }
    return absl::OkStatus();
  }

  void WriteOpenCalls() {
    for (const std::string& id : ids_.TakeOpen()) WriteResult(id, true, kNoResult);
  }

  void WriteResult(absl::string_view id, bool is_error, absl::string_view content) {
    json_.push_back(std::exchange(separator_, ','));
    json_.append(R"({"role":"tool","tool_call_id":)");
    AppendJsonString(json_, id);
    json_.append(R"(,"content":)");
    // The wire has no field for an error.
    AppendJsonString(json_, RepairUtf8(absl::StrCat(is_error ? "Error: " : "", content)));
    json_.push_back('}');
  }

  std::string& json_;
  const Quirks& quirks_;
  const GenerateRequest& request_;
  ToolCallIds ids_;
  char separator_ = '[';
  // Instructions that wait for the next user message.
  Parts held_;
};

}  // namespace

absl::Status AppendMessages(std::string& json, const Quirks& quirks,
                            const GenerateRequest& request) {
  return MessageWriter(json, quirks, request).Write();
}

}  // namespace penstock::provider_adapter
