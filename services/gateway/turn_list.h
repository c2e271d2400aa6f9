// One page of the turns of a session or a user: live ones, which the dispatcher has, among ended
// ones, which session-state has. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/identity/principal.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/gateway/v1/turns.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// Where a turn stands in a list: higher comes first.
struct TurnRank {
  // Sequence within one session; creation time, in microseconds, over all sessions.
  int64_t major = 0;
  std::string id;

  auto operator<=>(const TurnRank&) const = default;
};

// Where a page begins.
struct TurnListPosition {
  // Of session-state's page; empty: its first.
  std::string ended_token;
  // Live turns from here on, and ended turns, have been shown.
  std::optional<TurnRank> live_shown;
  std::optional<TurnRank> ended_shown;
};

// A page token holds a position, and is bound to user, parent and filters: FIELD_INVALID
// (page_token) with others.
std::string EncodePageToken(const identity::UserKey& user, const v1::ListTurnsRequest& request,
                            const TurnListPosition& position);
absl::StatusOr<TurnListPosition> DecodePageToken(const identity::UserKey& user,
                                                 const v1::ListTurnsRequest& request);

// A value of Turn.State that is not terminal.
bool IsLive(int state);

// Live turns that the request asks for.
bool IsWanted(const v1::ListTurnsRequest& request, const chat::v1::Turn& live);

struct TurnListSources {
  // Read before `ended`, so that no turn is in neither; newest first or not.
  std::vector<chat::v1::Turn> live;
  // session-state's page from position.ended_token on, newest first.
  std::vector<chat::v1::Turn> ended;
  // Of the page after it; empty: there is none.
  std::string ended_next;
};

struct TurnListPage {
  std::vector<chat::v1::Turn> turns;
  // Absent on the last page.
  std::optional<TurnListPosition> next;
};

// The turn is live, and the dispatcher left out what was said in it, so that its list fits into a
// message.
bool IsInShort(const chat::v1::Turn& turn);

// Newest first, at most page_size turns (0: 50) and 2 MiB, but at least one; no turn twice. A turn
// that ended between the two reads is shown as it ended. A live turn that is older than all of
// `ended` waits for a later page, where it may have ended.
TurnListPage MergeTurns(const v1::ListTurnsRequest& request, const TurnListPosition& position,
                        TurnListSources sources);

// Leaves the first turns of a page, those that are 2 MiB together and at least one; the others are
// on the next.
void CutPage(const v1::ListTurnsRequest& request, const TurnListPosition& position,
             TurnListPage& page);

}  // namespace penstock::gateway
