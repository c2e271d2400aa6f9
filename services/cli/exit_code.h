// What the command ends with.
#pragma once

namespace penstock::cli {

inline constexpr int kExitOk = 0;
// Refused, or the turn did not succeed.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

}  // namespace penstock::cli
