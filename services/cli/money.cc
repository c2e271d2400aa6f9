#include "services/cli/money.h"

#include "absl/strings/str_format.h"

namespace penstock::cli {

std::string FormatUsd(int64_t nano_usd) {
  constexpr uint64_t kNano = 1'000'000'000;
  constexpr size_t kMinDecimals = 2;
  const bool negative = nano_usd < 0;
  const uint64_t amount =
      negative ? 0 - static_cast<uint64_t>(nano_usd) : static_cast<uint64_t>(nano_usd);
  std::string decimals = absl::StrFormat("%09d", amount % kNano);
  while (decimals.size() > kMinDecimals && decimals.back() == '0') decimals.pop_back();
  return absl::StrFormat("%s$%d.%s", negative ? "-" : "", amount / kNano, decimals);
}

}  // namespace penstock::cli
