#include "libs/http/curl_client.h"

#include <utility>

#include "libs/http/curl_loop.h"

namespace penstock::http {

CurlClient::CurlClient(CurlClientOptions options, Clock& clock)
    : loop_(std::make_unique<CurlLoop>(options, clock)) {}

CurlClient::~CurlClient() = default;

HttpCallId CurlClient::Start(HttpRequest request, std::shared_ptr<HttpObserver> observer) {
  return loop_->Start(std::move(request), std::move(observer));
}

void CurlClient::Cancel(HttpCallId call) { loop_->Cancel(call); }

Timers& CurlClient::timers() { return loop_->timers(); }

}  // namespace penstock::http
