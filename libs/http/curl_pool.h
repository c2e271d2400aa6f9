// The connections of one transport, and the handles that its requests run on.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <curl/curl.h>

#include "libs/http/curl_multi.h"
#include "libs/http/curl_sockets.h"
#include "libs/http/curl_transfer.h"
#include "libs/http/http_stream_client.h"

#include "absl/time/time.h"

namespace penstock::http {

// Runs on the loop's thread. A multi handle takes requests until it is as old as a connection may
// be; then a new one follows it, and it lives on until its last request has ended. libcurl's own
// CURLOPT_MAXLIFETIME_CONN looks only at idle connections (a busy HTTP/2 one is used for ever), and
// counts whole seconds.
class CurlPool {
 public:
  // What is referred to outlives this.
  CurlPool(std::shared_ptr<const HttpTransport> transport, const TransferOptions& options,
           CurlSockets& sockets);
  // No request may be under way.
  ~CurlPool();
  CurlPool(const CurlPool&) = delete;
  CurlPool& operator=(const CurlPool&) = delete;

  CurlTransfer& Start(HttpCallId id, HttpRequest request, std::shared_ptr<HttpObserver> observer);
  // Takes it out of libcurl. `early`: before its end, so it loses its connection or stream.
  void Stop(CurlTransfer& transfer, bool early);
  // It may serve another request.
  void Reuse(CurlTransfer& transfer) { free_.push_back(&transfer); }

  // When libcurl wants RunTimers.
  absl::Duration NextDue() const;
  void RunTimers();

  struct Done {
    CurlTransfer* transfer = nullptr;
    CURLcode code = CURLE_OK;
  };
  // One that has ended and is to be stopped; each is told once.
  std::optional<Done> NextDone();

  // At the end of each round of the loop: what callbacks of libcurl could not do.
  void FinishRound();

  // For the transfers, inside callbacks of libcurl.
  const HttpTransport& transport() const { return *transport_; }
  curl_socket_t OpenSocket(const curl_sockaddr& address);
  // For CURLOPT_CLOSESOCKETFUNCTION, with the pool as data: the connection outlives the transfer.
  static int CloseSocket(void* self, curl_socket_t socket);
  void Tell(TransportEvent event) const;
  // An answer began, in this version.
  void OnAnswer(bool http2);
  bool speaks_http2() const { return speaks_ == Speaks::kHttp2; }

 private:
  // What the server was last heard to speak.
  enum class Speaks { kUnknown, kHttp1, kHttp2 };

  // The handle that new requests go to.
  CurlMulti& Current();

  const std::shared_ptr<const HttpTransport> transport_;
  const TransferOptions& options_;
  CurlSockets& sockets_;
  std::vector<std::unique_ptr<CurlTransfer>> transfers_;
  std::vector<CurlTransfer*> free_;
  std::unique_ptr<CurlMulti> current_;
  std::vector<std::unique_ptr<CurlMulti>> retired_;
  Speaks speaks_ = Speaks::kUnknown;
  // Where current_ has the bounds of HTTP/1.1 already.
  bool http1_allowed_ = false;
};

}  // namespace penstock::http
