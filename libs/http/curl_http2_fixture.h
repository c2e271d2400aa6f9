// A client, and an HTTP/2 server behind TLS, for tests.
#pragma once

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "libs/base/skewed_clock.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_http2.h"
#include "libs/http/loopback_tls.h"
#include "libs/http/recorder_for_test.h"
#include "libs/http/test_authority.h"

#include "absl/strings/string_view.h"

namespace penstock::http {

using StreamPtr = std::shared_ptr<Http2Stream>;

// RFC 9113 section 7.
inline constexpr uint32_t kInternalError = 2;
inline constexpr uint32_t kRefusedStream = 7;

inline void Answer(Http2Stream& stream, absl::string_view text) {
  stream.Headers(200);
  stream.Data(text, /*ends=*/true);
}

class CurlHttp2Test : public testing::Test {
 protected:
  void Serve(LoopbackHttp2::Handler handler, int max_connections = 2, uint32_t max_streams = 100) {
    server_ = std::make_unique<LoopbackHttp2>(std::move(handler), max_streams);
    tls_ = std::make_unique<LoopbackTls>(
        LoopbackTlsOptions{.certificate = authority_.Issue("IP:127.0.0.1"),
                           .backend_port = server_->port(),
                           .alpn = "h2"});
    transport_ = Transport(max_connections);
  }
  std::shared_ptr<const HttpTransport> Transport(int max_connections) const {
    return std::make_shared<HttpTransport>(HttpTransport{.version = HttpVersion::kNegotiated,
                                                         .max_connections = max_connections,
                                                         .ca_file = authority_.ca_file()});
  }
  std::shared_ptr<Recorder> Get(absl::Duration connect_timeout = absl::Seconds(30)) {
    return Send({.connect_timeout = connect_timeout,
                 .first_byte_timeout = absl::InfiniteDuration(),
                 .idle_timeout = absl::InfiniteDuration()});
  }
  std::shared_ptr<Recorder> Send(HttpRequest request) {
    request.url = tls_->Url("/");
    request.transport = transport_;
    auto recorder = std::make_shared<Recorder>();
    call_ = client_.Start(std::move(request), recorder);
    return recorder;
  }

  TestAuthority authority_;
  SkewedClock clock_;
  std::unique_ptr<LoopbackHttp2> server_;
  std::unique_ptr<LoopbackTls> tls_;
  std::shared_ptr<const HttpTransport> transport_;
  HttpCallId call_ = 0;
  CurlClient client_{{}, clock_};
};

}  // namespace penstock::http
