// Money for people.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::cli {

// Nano-USD exactly, with at least two decimals: 1'500'000'000 is "$1.50", 21'500 is "$0.0000215".
std::string FormatUsd(int64_t nano_usd);

}  // namespace penstock::cli
