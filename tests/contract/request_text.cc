#include "tests/contract/request_text.h"

#include <memory>
#include <utility>
#include <vector>

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>

#include "libs/base/status_macros.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace penstock::contract {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;

// Where the "]]" begins that closes the "[[" before `text`; npos: nowhere.
size_t FindEnd(absl::string_view text) {
  int depth = 1;
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    const absl::string_view pair = text.substr(at, 2);
    if (pair != "[[" && pair != "]]") continue;
    depth += pair == "[[" ? 1 : -1;
    if (depth == 0) return at;
    ++at;
  }
  return absl::string_view::npos;
}

std::string Repeat(int64_t count, const std::string& text) {
  std::string all;
  for (int64_t i = 0; i < count; ++i) {
    all += absl::StrReplaceAll(text, {{"#", absl::StrCat(i)}});
  }
  return all;
}

class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text.empty()) text = absl::StrCat("column ", column, ": ", message);
  }

  std::string text;
};

absl::StatusOr<std::string> Filled(absl::string_view text, const Names& names) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : names) pairs.emplace_back(absl::StrCat("$", name), value);
  return Unfold(absl::StrReplaceAll(text, pairs));
}

absl::Status Merge(absl::string_view text, const Names& names, Message& message) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string filled, Filled(text, names));
  TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  if (parser.MergeFromString(filled, &message)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(text, ": ", error.text));
}

absl::Status Clear(absl::string_view path, Message& request) {
  Message* message = &request;
  const std::vector<std::string> steps = absl::StrSplit(path, '.');
  for (size_t i = 0; i < steps.size(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(steps[i]);
    if (field == nullptr) return absl::InvalidArgumentError(absl::StrCat("no field ", path));
    const auto& reflection = *message->GetReflection();
    if (i + 1 == steps.size()) {
      reflection.ClearField(message, field);
    } else {
      message = reflection.MutableMessage(message, field);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Unfold(absl::string_view text) {
  std::string unfolded;
  while (true) {
    const size_t open = text.find("[[");
    absl::StrAppend(&unfolded, text.substr(0, open));
    if (open == absl::string_view::npos) return unfolded;
    text.remove_prefix(open + 2);
    const size_t colon = text.find(':');
    const size_t end = FindEnd(text);
    int64_t count = 0;
    if (end == absl::string_view::npos || colon > end ||
        !absl::SimpleAtoi(text.substr(0, colon), &count)) {
      return absl::InvalidArgumentError(absl::StrCat("expected [[COUNT:text]], found [[", text));
    }
    PENSTOCK_ASSIGN_OR_RETURN(const std::string inner,
                              Unfold(text.substr(colon + 1, end - colon - 1)));
    unfolded += Repeat(count, inner);
    text.remove_prefix(end + 2);
  }
}

absl::StatusOr<std::string> BuildRequest(const std::string& message, const std::string& good,
                                         const Row& row, const Names& names) {
  const auto* type = DescriptorPool::generated_pool()->FindMessageTypeByName(message);
  if (type == nullptr) return absl::NotFoundError(absl::StrCat(message, " is not linked"));
  const std::unique_ptr<Message> request(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  PENSTOCK_RETURN_IF_ERROR(Merge(good, names, *request));
  for (const std::string& path : row.clear) PENSTOCK_RETURN_IF_ERROR(Clear(path, *request));
  PENSTOCK_RETURN_IF_ERROR(Merge(row.set, names, *request));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string escaped, Filled(row.bytes, names));
  std::string bytes;
  if (!absl::CUnescape(escaped, &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(row.bytes, ": no C escapes"));
  }
  // It complains of text that is not UTF-8, which is encoded all the same.
  const google::protobuf::LogSilencer quiet;
  return absl::StrCat(request->SerializeAsString(), bytes);
}

}  // namespace penstock::contract
