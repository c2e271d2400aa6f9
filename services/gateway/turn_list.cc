#include "services/gateway/turn_list.h"

#include <algorithm>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/sha256.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace penstock::gateway {
namespace {

using chat::v1::Turn;

constexpr int kDefaultPageSize = 50;
constexpr size_t kMaxPageBytes = 2 << 20;
// Raised when positions get another meaning: old tokens are refused then.
constexpr char kTokenVersion = 1;
constexpr size_t kScopeBytes = 8;

// Of user, parent and filters.
std::string ScopeOf(const identity::UserKey& user, const v1::ListTurnsRequest& request) {
  std::vector<int> states(request.states().begin(), request.states().end());
  std::sort(states.begin(), states.end());
  states.erase(std::unique(states.begin(), states.end()), states.end());
  identity::Sha256 hash;
  hash.Update(user.bytes());
  // None of the three can hold the separator before the last one begins.
  hash.Update(
      absl::StrCat(request.parent(), "|", absl::StrJoin(states, ","), "|", request.request_id()));
  const auto digest = hash.Finish();
  std::string scope(1, kTokenVersion);
  scope.append(reinterpret_cast<const char*>(digest.data()), kScopeBytes);
  return scope;
}

// "major,id", or "".
std::string TextOf(const std::optional<TurnRank>& rank) {
  return rank ? absl::StrCat(rank->major, ",", rank->id) : "";
}

bool ReadRank(absl::string_view text, std::optional<TurnRank>& rank) {
  if (text.empty()) return true;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(',', 1));
  rank.emplace();
  rank->id = std::string(parts.second);
  return absl::SimpleAtoi(parts.first, &rank->major);
}

absl::Status ForeignToken() {
  return FieldInvalid("page_token", "a token of another list",
                      "next_page_token of the page before, with the same parent and filters");
}

TurnRank RankOf(const v1::ListTurnsRequest& request, const Turn& turn) {
  const bool all_sessions = request.parent() == "sessions/-";
  return {all_sessions ? absl::ToUnixMicros(FromProto(turn.create_time())) : turn.sequence(),
          turn.name().substr(turn.name().rfind('/') + 1)};
}

bool IsShown(const std::optional<TurnRank>& shown, const TurnRank& rank) {
  return shown && rank >= *shown;
}

struct Row {
  TurnRank rank;
  Turn turn;
};

std::vector<Row> EndedRows(const v1::ListTurnsRequest& request, const TurnListPosition& position,
                           std::vector<Turn> turns) {
  std::vector<Row> rows;
  for (Turn& turn : turns) {
    TurnRank rank = RankOf(request, turn);
    if (!IsShown(position.ended_shown, rank)) rows.push_back({std::move(rank), std::move(turn)});
  }
  return rows;
}

// `oldest`: the rank below which live turns wait for a later page.
void AddLiveRows(const v1::ListTurnsRequest& request, const TurnListPosition& position,
                 const std::optional<TurnRank>& oldest, std::vector<Turn> turns,
                 std::vector<Row>& rows) {
  absl::flat_hash_set<std::string> ended;
  for (const Row& row : rows) ended.insert(row.turn.name());
  for (Turn& turn : turns) {
    TurnRank rank = RankOf(request, turn);
    const bool waits = oldest && rank < *oldest;
    if (waits || IsShown(position.live_shown, rank) || ended.contains(turn.name())) continue;
    rows.push_back({std::move(rank), std::move(turn)});
  }
}

}  // namespace

std::string EncodePageToken(const identity::UserKey& user, const v1::ListTurnsRequest& request,
                            const TurnListPosition& position) {
  return absl::WebSafeBase64Escape(absl::StrCat(ScopeOf(user, request), position.ended_token, "|",
                                                TextOf(position.live_shown), "|",
                                                TextOf(position.ended_shown)));
}

absl::StatusOr<TurnListPosition> DecodePageToken(const identity::UserKey& user,
                                                 const v1::ListTurnsRequest& request) {
  TurnListPosition position;
  if (request.page_token().empty()) return position;
  const std::string scope = ScopeOf(user, request);
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &bytes) ||
      !absl::StartsWith(bytes, scope)) {
    return ForeignToken();
  }
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(bytes).substr(scope.size()), '|');
  const bool more = parts.size() > 3 && PENSTOCK_PLANTED_BUG("planted.token_tail");
  if ((parts.size() != 3 && !more) || !ReadRank(parts[1], position.live_shown) ||
      !ReadRank(parts[2], position.ended_shown)) {
    return ForeignToken();
  }
  position.ended_token = std::string(parts[0]);
  return position;
}

bool IsLive(int state) {
  return state == Turn::QUEUED || state == Turn::RUNNING || state == Turn::AWAITING_TOOLS;
}

bool IsWanted(const v1::ListTurnsRequest& request, const Turn& live) {
  // What has just ended is session-state's already.
  if (!IsLive(live.state())) return false;
  const bool state = request.states().empty() ||
                     std::find(request.states().begin(), request.states().end(), live.state()) !=
                         request.states().end();
  return state && (request.request_id().empty() || request.request_id() == live.request_id());
}

bool IsInShort(const Turn& turn) { return IsLive(turn.state()) && turn.input().empty(); }

TurnListPage MergeTurns(const v1::ListTurnsRequest& request, const TurnListPosition& position,
                        TurnListSources sources) {
  std::optional<TurnRank> oldest;
  if (!sources.ended_next.empty() && !sources.ended.empty()) {
    oldest = RankOf(request, sources.ended.back());
  }
  std::vector<Row> rows = EndedRows(request, position, std::move(sources.ended));
  AddLiveRows(request, position, oldest, std::move(sources.live), rows);
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.rank > b.rank; });

  const auto page_size =
      static_cast<size_t>(request.page_size() == 0 ? kDefaultPageSize : request.page_size());
  TurnListPage page;
  size_t bytes = 0;
  std::optional<TurnRank> last;
  for (Row& row : rows) {
    bytes += row.turn.ByteSizeLong();
    if (page.turns.size() == page_size || (bytes > kMaxPageBytes && last)) {
      page.next = TurnListPosition{position.ended_token, last, last};
      return page;
    }
    last = std::move(row.rank);
    page.turns.push_back(std::move(row.turn));
  }
  if (!sources.ended_next.empty()) {
    if (!last) last = position.live_shown;
    page.next = TurnListPosition{std::move(sources.ended_next), oldest ? oldest : last, {}};
  }
  return page;
}

void CutPage(const v1::ListTurnsRequest& request, const TurnListPosition& position,
             TurnListPage& page) {
  size_t bytes = 0;
  for (size_t i = 0; i < page.turns.size(); ++i) {
    bytes += page.turns[i].ByteSizeLong();
    if (i == 0 || bytes <= kMaxPageBytes) continue;
    const TurnRank last = RankOf(request, page.turns[i - 1]);
    page.turns.resize(i);
    page.next = TurnListPosition{position.ended_token, last, last};
    return;
  }
}

}  // namespace penstock::gateway
