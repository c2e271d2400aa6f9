#include "libs/base/failpoint.h"

#include <csignal>
#include <cstdlib>
#include <utility>
#include <vector>

#include <unistd.h>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace penstock {
namespace {

using Kind = FailpointAction::Kind;

absl::Status BadEntry(absl::string_view entry) {
  return absl::InvalidArgumentError(
      absl::StrCat("PENSTOCK_FAILPOINTS: found \"", entry,
                   "\", expected name=abort, name=error or name=delay:50ms, each with @n or not"));
}

absl::StatusOr<FailpointAction> ParseAction(absl::string_view entry, absl::string_view text) {
  FailpointAction action;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('@', 1));
  if (parts.first.size() != text.size() &&
      (!absl::SimpleAtoi(parts.second, &action.at_hit) || action.at_hit < 1)) {
    return BadEntry(entry);
  }
  absl::string_view what = parts.first;
  if (what == "abort") {
    action.kind = Kind::kAbort;
  } else if (what == "error") {
    action.kind = Kind::kError;
  } else if (absl::ConsumePrefix(&what, "delay:") && absl::ParseDuration(what, &action.delay)) {
    action.kind = Kind::kDelay;
  } else {
    return BadEntry(entry);
  }
  return action;
}

Failpoints FromEnvironment() {
  const char* text = std::getenv("PENSTOCK_FAILPOINTS");
  auto armed = Failpoints::Parse(text ? text : "");
  if (!armed.ok()) {
    Log(Severity::kError, armed.status().message());
    std::_Exit(2);
  }
  return Failpoints(*std::move(armed));
}

}  // namespace

absl::StatusOr<std::map<std::string, FailpointAction>> Failpoints::Parse(absl::string_view text) {
  std::map<std::string, FailpointAction> armed;
  for (absl::string_view entry : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> sides = absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[0].empty()) return BadEntry(entry);
    PENSTOCK_ASSIGN_OR_RETURN(armed[std::string(sides[0])], ParseAction(entry, sides[1]));
  }
  return armed;
}

absl::Status Failpoints::Hit(absl::string_view name) {
  if (armed_.empty()) return absl::OkStatus();
  const auto found = armed_.find(std::string(name));
  if (found == armed_.end()) return absl::OkStatus();
  const FailpointAction& action = found->second;
  int64_t hit = 0;
  {
    MutexLock lock(mutex_);
    hit = ++hits_[std::string(name)];
  }
  if (action.at_hit != 0 && action.at_hit != hit) return absl::OkStatus();
  switch (action.kind) {
    case Kind::kAbort:
      ::kill(::getpid(), SIGKILL);
      std::abort();
    case Kind::kDelay:
      absl::SleepFor(action.delay);
      return absl::OkStatus();
    case Kind::kError:
      return absl::UnavailableError(absl::StrCat("failpoint ", name, " is armed with error"));
  }
  return absl::OkStatus();
}

Failpoints& Failpoints::OfProcess() {
  static Failpoints& instance = *new Failpoints(FromEnvironment());
  return instance;
}

}  // namespace penstock
