// One libcurl multi handle: connections with one bound, opened within one span of time.
#pragma once

#include <cstdint>
#include <optional>

#include <curl/curl.h>

#include "libs/http/curl_sockets.h"
#include "libs/http/curl_streams.h"
#include "libs/http/http_transport.h"

#include "absl/time/time.h"

namespace penstock::http {

// Runs on the loop's thread. Nothing here may be called from a callback of libcurl.
class CurlMulti {
 public:
  // `now` is monotonic time, read once a round of the loop; it and `sockets` outlive this.
  CurlMulti(const HttpTransport& transport, CurlSockets& sockets, const absl::Duration& now);
  // Closes all connections. No transfer may be left.
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  void Add(CURL* easy);
  // Ends one that is under way: HTTP/1.1 closes its connection, HTTP/2 resets its stream.
  void Remove(CURL* easy);
  CurlStreams& streams() { return streams_; }

  void OnEvents(curl_socket_t socket, uint32_t epoll_events);
  // When libcurl wants RunTimer.
  absl::Duration due() const { return due_; }
  void RunTimer();

  struct Done {
    CURL* easy = nullptr;
    CURLcode code = CURLE_OK;
  };
  // One that has ended and is not removed yet; each is told once.
  std::optional<Done> NextDone();

  absl::Duration age() const { return now_ - born_; }
  int transfers() const { return transfers_; }
  // What HTTP/2 needs few of: now to one server, by HTTP/1.1, as many as may be kept.
  void AllowHttp1();
  // From now on a connection is closed as soon as nothing uses it.
  void KeepNoConnections();

 private:
  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  CurlSockets& sockets_;
  const absl::Duration& now_;
  const absl::Duration born_;
  CURLM* const multi_;
  const long max_http1_connections_;
  CurlStreams streams_;
  absl::Duration due_ = absl::InfiniteDuration();
  int transfers_ = 0;
};

}  // namespace penstock::http
