// HttpStreamClient on libcurl's multi interface: one thread, one epoll, a pool of connections for
// each transport. Why libcurl, and its traps: README.md.
#pragma once

#include <memory>
#include <string>

#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/http/http_stream_client.h"

namespace penstock::http {

class CurlLoop;

struct CurlClientOptions {
  // Of requests that name no transport: connections kept open for the next one, over all servers.
  int max_kept_connections = 1024;
  // All header lines of one answer.
  size_t max_header_bytes = 64 * 1024;
  std::string user_agent = "penstock";
  // Of requests that name no transport: PEM file of trusted certificates; empty: the system's.
  std::string ca_file;
};

// Thread-safe. The destructor cancels what runs (each observer gets its OnDone) and joins.
class CurlClient : public HttpStreamClient {
 public:
  CurlClient(CurlClientOptions options, Clock& clock);
  ~CurlClient() override;

  HttpCallId Start(HttpRequest request, std::shared_ptr<HttpObserver> observer) override;
  void Cancel(HttpCallId call) override;

  // Timers that fire on the client's thread, where the observers run: setting one there wakes
  // nobody. Their callbacks must not block; they must not outlive the client.
  Timers& timers();

 private:
  std::unique_ptr<CurlLoop> loop_;
};

}  // namespace penstock::http
