#include "services/provider_adapter/tool_call_ids.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using Form = ToolCallIds::Form;

bool IsWord(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

bool Fits(Form form, absl::string_view id) {
  switch (form) {
    case Form::kForty:
      return !id.empty() && id.size() <= 40 &&
             std::all_of(id.begin(), id.end(), absl::ascii_isgraph);
    case Form::kWord:
      return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), IsWord);
    case Form::kNine:
      return id.size() == 9 && std::all_of(id.begin(), id.end(), absl::ascii_isalnum);
  }
  return false;
}

// FNV-1a: the same in every process, unlike absl::Hash.
uint64_t Fingerprint(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string MadeOf(Form form, absl::string_view seed) {
  uint64_t hash = Fingerprint(seed);
  if (form != Form::kNine) return absl::StrCat("call_", absl::Hex(hash, absl::kZeroPad16));
  constexpr absl::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id(9, '0');
  for (char& c : id) {
    c = kDigits[hash % kDigits.size()];
    hash /= kDigits.size();
  }
  return id;
}

}  // namespace

std::string ToolCallIds::Call(absl::string_view id) {
  std::string wire = Fits(form_, id) ? std::string(id) : MadeOf(form_, id);
  for (int again = 2; !used_.insert(wire).second; ++again) {
    wire = MadeOf(form_, absl::StrCat(id, "#", again));
  }
  open_.emplace_back(id, wire);
  return wire;
}

std::optional<std::string> ToolCallIds::Result(absl::string_view id) {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const auto& call) { return call.first == id; });
  if (found == open_.end()) return std::nullopt;
  std::string wire = std::move(found->second);
  open_.erase(found);
  return wire;
}

std::vector<std::string> ToolCallIds::TakeOpen() {
  std::vector<std::string> wires;
  for (auto& [given, wire] : std::exchange(open_, {})) wires.push_back(std::move(wire));
  return wires;
}

}  // namespace penstock::provider_adapter
