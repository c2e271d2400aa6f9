#include "libs/http/curl_streams.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

namespace penstock::http {
namespace {

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
  streams_of_[connection].push_back(easy);
  connection_of_[easy] = std::move(connection);
}

void CurlStreams::Leave(CURL* easy) {
  const auto connection = connection_of_.find(easy);
  if (connection == connection_of_.end()) return;
  const auto left = streams_of_.find(connection->second);
  std::vector<CURL*>& streams = left->second;
  streams.erase(std::find(streams.begin(), streams.end(), easy));
  if (streams.empty()) streams_of_.erase(left);
  connection_of_.erase(connection);
}

size_t CurlStreams::Sharing(CURL* easy) const {
  const auto connection = connection_of_.find(easy);
  return connection == connection_of_.end() ? 0 : streams_of_.at(connection->second).size();
}

void CurlStreams::GiveUp(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  const auto connection = connection_of_.find(easy);
  if (connection == connection_of_.end()) return;
  unsent_.insert(connection->second);
  Leave(easy);
}

void CurlStreams::SendResets() {
  for (const std::string& connection : std::exchange(unsent_, {})) {
    const auto found = streams_of_.find(connection);
    if (found == streams_of_.end()) continue;  // closed
    // One is enough; who looks for another connection already cannot.
    absl::c_any_of(found->second, SendQueued);
  }
}

}  // namespace penstock::http
