// Whatever comes as a page token of any list is refused, or is a position of the very list that it
// is shown to; what a token says can be said again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "services/gateway/turn_list.h"
#include "services/memory_recall/page_token.h"
#include "services/session_state/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

const identity::UserKey kUser = identity::UserKeyForTest("t", "ann");
const identity::UserKey kOther = identity::UserKeyForTest("t", "ann2");

// Of a refusal, the only one that a token may meet.
template <class Position>
bool IsTaken(const absl::StatusOr<Position>& position) {
  if (position.ok()) return true;
  Require(ReasonOf(position.status()) == "FIELD_INVALID" &&
          MetadataOf(position.status(), "field") == "page_token");
  return false;
}

gateway::v1::ListTurnsRequest TurnsWith(std::string token) {
  gateway::v1::ListTurnsRequest request;
  request.set_parent("sessions/s");
  request.set_page_token(std::move(token));
  return request;
}

bool Same(const gateway::TurnListPosition& a, const gateway::TurnListPosition& b) {
  return a.ended_token == b.ended_token && a.live_shown == b.live_shown &&
         a.ended_shown == b.ended_shown;
}

// What stands in the gateway's token before its position.
std::string TurnsScope(const identity::UserKey& user) {
  std::string bytes;
  Require(absl::WebSafeBase64Unescape(gateway::EncodePageToken(user, TurnsWith(""), {}), &bytes));
  return bytes.substr(0, bytes.size() - 2);
}

void CheckTurns(const std::string& token) {
  const auto position = gateway::DecodePageToken(kUser, TurnsWith(token));
  if (!IsTaken(position)) return;
  Require(token.empty() || !IsTaken(gateway::DecodePageToken(kOther, TurnsWith(token))));
  const std::string again = gateway::EncodePageToken(kUser, TurnsWith(""), *position);
  const auto same = gateway::DecodePageToken(kUser, TurnsWith(again));
  Require(same.ok() && Same(*position, *same));
  // All that it says was understood: there are three parts, and none was dropped.
  std::string said, said_again;
  absl::WebSafeBase64Unescape(token, &said);
  absl::WebSafeBase64Unescape(again, &said_again);
  const std::string scope = TurnsScope(kUser);
  const auto parts = [&](const std::string& bytes) {
    const std::string behind = bytes.substr(std::min(scope.size(), bytes.size()));
    return std::count(behind.begin(), behind.end(), '|');
  };
  Require(token.empty() || parts(said) == parts(said_again));
}

void CheckSessions(const std::string& token) {
  const std::string scope = session_state::ListScope(kUser, {"turns", "s", ""});
  const std::string other = session_state::ListScope(kUser, {"turns", "s,", ""});
  Require(scope != other);
  const auto position = session_state::ReadPageToken(scope, token);
  if (!IsTaken(position)) return;
  // An empty position would begin the list anew, for ever.
  Require(position->empty() == token.empty());
  Require(token.empty() || !IsTaken(session_state::ReadPageToken(other, token)));
  const std::string again = session_state::MakePageToken(scope, *position);
  Require(session_state::ReadPageToken(scope, again).value() == *position);
}

void CheckMemories(const std::string& token) {
  const auto id = memory_recall::ParsePageToken(kUser, token);
  if (!IsTaken(id) || token.empty()) return;
  Require(!IsTaken(memory_recall::ParsePageToken(kOther, token)));
  Require(memory_recall::ParsePageToken(kUser, memory_recall::PageTokenOf(kUser, *id)).value() ==
          *id);
}

void CheckAll(const std::string& token) {
  CheckTurns(token);
  CheckSessions(token);
  CheckMemories(token);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  const std::string input(reinterpret_cast<const char*>(data), size);
  CheckAll(input);
  // Behind the right scope, as one makes it who has seen a token of theirs.
  CheckAll(absl::WebSafeBase64Escape(absl::StrCat(TurnsScope(kUser), input)));
  CheckAll(
      session_state::MakePageToken(session_state::ListScope(kUser, {"turns", "s", ""}), input));
  return 0;
}
