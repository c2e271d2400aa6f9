#include "services/provider_adapter/anthropic/content_block.h"

#include <utility>

#include <boost/json/serialize.hpp>

#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/utf8_repair.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;
using chat::v1::Delta;

absl::string_view ViewOf(const boost::json::string& text) { return {text.data(), text.size()}; }

// The event it stands in does not outlive its callback.
boost::json::object Owned(const value& start) {
  const boost::json::object* object = start.if_object();
  return object == nullptr ? boost::json::object()
                           : boost::json::object(*object, boost::json::storage_ptr());
}

// Bytes that a member takes, about.
size_t SizeOf(const value& piece) {
  const boost::json::string* text = piece.if_string();
  return text == nullptr ? boost::json::serialize(piece).size() : text->size();
}

}  // namespace

ContentBlock::Type ContentBlock::TypeOf(absl::string_view name) {
  if (name == "text") return Type::kText;
  if (name == "thinking") return Type::kThinking;
  if (name == "redacted_thinking") return Type::kRedacted;
  return name == "tool_use" ? Type::kCall : Type::kOther;
}

ContentBlock::ContentBlock(const value& start, size_t calls, AnswerSink& sink)
    : type_(TypeOf(StringMember(&start, "type"))), call_(calls) {
  switch (type_) {
    case Type::kText:
      Tell(Delta::TEXT, StringMember(&start, "text"), sink);
      break;
    case Type::kThinking:
      block_ = Owned(start);
      Tell(Delta::REASONING, StringMember(&start, "thinking"), sink);
      break;
    case Type::kCall:
      block_ = Owned(start);
      BeginCall(sink);
      break;
    case Type::kRedacted:
    case Type::kOther:
      block_ = Owned(start);
      break;
  }
}

void ContentBlock::BeginCall(AnswerSink& sink) {
  const value* name = block_.if_contains("name");
  if (name == nullptr || !name->is_string() || name->get_string().empty()) {
    return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "a tool call has no name");
  }
  const value* id = block_.if_contains("id");
  told_ = true;
  sink.OnToolCall(id != nullptr && id->is_string() ? ViewOf(id->get_string()) : "",
                  ViewOf(name->get_string()));
}

void ContentBlock::Tell(Delta::Kind kind, absl::string_view text, AnswerSink& sink) {
  if (text.empty()) return;
  told_ = true;
  sink.OnText(kind, text);
}

void ContentBlock::Append(const value& delta, AnswerSink& sink) {
  const absl::string_view type = StringMember(&delta, "type");
  if (type_ == Type::kText) return Tell(Delta::TEXT, StringMember(&delta, "text"), sink);
  if (type_ == Type::kCall) {
    if (type != "input_json_delta") return;
    const absl::string_view piece = StringMember(&delta, "partial_json");
    has_arguments_ = has_arguments_ || !piece.empty();
    return sink.OnToolArguments(call_, piece);
  }
  if (type_ == Type::kThinking) return AppendThinking(delta, sink);
  const boost::json::object* members = delta.if_object();
  if (members == nullptr) return;
  for (const auto& member : *members) {
    const absl::string_view name(member.key().data(), member.key().size());
    if (name == "partial_json") {
      KeepInput(StringMember(&delta, "partial_json"), sink);
    } else if (name != "type") {
      Keep(name, member.value(), sink);
    }
  }
}

void ContentBlock::AppendThinking(const value& delta, AnswerSink& sink) {
  const absl::string_view text = StringMember(&delta, "thinking");
  value& thinking = block_["thinking"];
  if (!thinking.is_string()) thinking.emplace_string();
  thinking.get_string().append(boost::json::string_view(text.data(), text.size()));
  Tell(Delta::REASONING, text, sink);
  // It comes in one piece; of several the last holds (so the official SDKs read it).
  const absl::string_view signature = StringMember(&delta, "signature");
  if (signature.empty()) return;
  sink.OnHeld(signature.size());
  block_["signature"].emplace_string().assign(signature.data(), signature.size());
}

void ContentBlock::KeepInput(absl::string_view json, AnswerSink& sink) {
  sink.OnHeld(json.size());
  input_.append(json.data(), json.size());
}

void ContentBlock::Keep(absl::string_view name, const value& piece, AnswerSink& sink) {
  sink.OnHeld(SizeOf(piece));
  const value owned(piece, boost::json::storage_ptr());
  if (name == "citation") {
    value& citations = block_["citations"];
    if (!citations.is_array()) citations.emplace_array();
    citations.get_array().push_back(owned);
    return;
  }
  value& member = block_[boost::json::string_view(name.data(), name.size())];
  if (member.is_string() && piece.is_string()) {
    member.get_string().append(owned.get_string());
  } else {
    member = owned;
  }
}

void ContentBlock::End(AnswerSink& sink) {
  if (type_ == Type::kText) return;
  if (type_ == Type::kCall) return TellInput(sink);
  if (!input_.empty() && !WithJson(input_, [&](const value& input) {
        block_["input"] = value(input, boost::json::storage_ptr());
      })) {
    return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "the input of a block is not JSON");
  }
  if (type_ == Type::kOther) {
    chat::v1::Opaque opaque = AsItCame();
    // Its input alone may be as deep as we read.
    if (!IsJsonObject(opaque.data())) {
      return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "a block is nested too deep");
    }
    told_ = true;
    return sink.OnOpaque(std::move(opaque));
  }
  const value* signature = block_.if_contains("signature");
  const bool is_signed =
      signature != nullptr && signature->is_string() && !signature->get_string().empty();
  // Without a signature it would be refused when it goes back.
  if (type_ == Type::kThinking && !is_signed) return;
  told_ = true;
  sink.OnReasoningState(AsItCame());
}

void ContentBlock::TellInput(AnswerSink& sink) {
  const value* input = block_.if_contains("input");
  if (has_arguments_ || input == nullptr || input->is_null()) return;
  if (const boost::json::string* text = input->if_string()) {
    return sink.OnToolArguments(call_, ViewOf(*text));
  }
  if (!input->is_object()) {
    return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "the input of a tool call is no object");
  }
  if (!input->get_object().empty()) {
    sink.OnToolArguments(call_, boost::json::serialize(*input));
  }
}

chat::v1::Opaque ContentBlock::AsItCame() const {
  chat::v1::Opaque opaque;
  opaque.set_protocol(std::string(kAnthropic));
  opaque.set_data(RepairUtf8(boost::json::serialize(block_)));
  return opaque;
}

}  // namespace penstock::provider_adapter
