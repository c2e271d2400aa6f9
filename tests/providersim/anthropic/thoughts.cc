#include "tests/providersim/anthropic/thoughts.h"

#include "tests/providersim/fnv.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim::anthropic {
namespace {

constexpr size_t kHashDigits = 16;
// Nobody else knows it; what is hidden has a text of its own.
constexpr absl::string_view kSecret = "providersim";
constexpr absl::string_view kHidden = "redacted";

std::string Sign(absl::string_view prompt_hash, absl::string_view text) {
  const uint64_t sign = Fnv(Fnv(Fnv(kFnvBasis, kSecret), prompt_hash), text);
  return absl::StrCat(prompt_hash, absl::Hex(sign, absl::kZeroPad16));
}

bool IsOf(absl::string_view signature, absl::string_view text) {
  return signature.size() == 2 * kHashDigits &&
         signature == Sign(signature.substr(0, kHashDigits), text);
}

std::string Digits(uint64_t hash) { return absl::StrCat(absl::Hex(hash, absl::kZeroPad16)); }

}  // namespace

std::string SignatureOf(uint64_t prompt_hash, absl::string_view thought) {
  return Sign(Digits(prompt_hash), thought);
}

bool IsSigned(absl::string_view signature, absl::string_view thought) {
  return IsOf(signature, thought);
}

std::string RedactedOf(uint64_t prompt_hash) { return Sign(Digits(prompt_hash), kHidden); }

bool IsRedacted(absl::string_view data) { return IsOf(data, kHidden); }

std::string CallIdOf(uint64_t prompt_hash, bool thought, int call) {
  return absl::StrCat("toolu_", thought ? "t" : "n", Digits(prompt_hash), call);
}

absl::string_view ThoughtBefore(absl::string_view call_id) {
  if (!absl::ConsumePrefix(&call_id, "toolu_t") || call_id.size() <= kHashDigits) return "";
  return call_id.substr(0, kHashDigits);
}

}  // namespace penstock::providersim::anthropic
