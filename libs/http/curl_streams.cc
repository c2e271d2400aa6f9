#include "libs/http/curl_streams.h"

#include <algorithm>
#include <utility>

namespace penstock::http {
namespace {

void ForbidReuse(CURL* easy, bool forbidden) {
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, forbidden ? 1L : 0L);
}

// Sends what is queued on the connection of `easy`; false when it is on none. The end of a pause is
// all that does so: 7.88 sends at once, newer ones in the next round, which they ask for. Nothing
// is read in between, so the windows stay as they are. (No transfer here is ever really paused.)
bool SendQueued(CURL* easy) {
  if (curl_easy_pause(easy, CURLPAUSE_RECV) != CURLE_OK) return false;
  return curl_easy_pause(easy, CURLPAUSE_CONT) == CURLE_OK;
}

}  // namespace

void CurlStreams::Enter(CURL* easy, std::string connection) {
  Leave(easy);
  Connection& entered = connections_[connection];
  entered.streams.push_back(easy);
  if (entered.resets_queued) ForbidReuse(easy, true);
  connection_of_[easy] = std::move(connection);
}

void CurlStreams::Leave(CURL* easy) {
  const auto name = connection_of_.find(easy);
  if (name == connection_of_.end()) return;
  const auto left = connections_.find(name->second);
  std::vector<CURL*>& streams = left->second.streams;
  streams.erase(std::find(streams.begin(), streams.end(), easy));
  if (streams.empty()) connections_.erase(left);
  connection_of_.erase(name);
}

size_t CurlStreams::Sharing(CURL* easy) const {
  const auto name = connection_of_.find(easy);
  return name == connection_of_.end() ? 0 : connections_.at(name->second).streams.size();
}

void CurlStreams::GiveUp(CURL* easy) {
  ForbidReuse(easy, true);
  const auto name = connection_of_.find(easy);
  if (name == connection_of_.end()) return;
  std::string connection = name->second;
  Leave(easy);
  const auto shared = connections_.find(connection);
  if (shared == connections_.end() || std::exchange(shared->second.resets_queued, true)) return;
  for (CURL* const other : shared->second.streams) ForbidReuse(other, true);
  unsent_.push_back(std::move(connection));
}

void CurlStreams::SendResets() {
  for (const std::string& connection : std::exchange(unsent_, {})) {
    const auto found = connections_.find(connection);
    if (found == connections_.end()) continue;
    found->second.resets_queued = false;
    bool sent = false;
    for (CURL* const easy : found->second.streams) {
      sent = sent || SendQueued(easy);
      ForbidReuse(easy, false);
    }
  }
}

}  // namespace penstock::http
