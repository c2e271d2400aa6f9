#include "services/gateway/document_fetch.h"

#include <memory>
#include <utility>

#include "libs/async/one_shot.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using Kind = http::HttpOutcome::Kind;

FetchedDocument Failed(FetchOutcome outcome, absl::string_view message) {
  return {.outcome = outcome, .document = absl::UnavailableError(message)};
}

// Collects the body on the client's thread.
class Collector final : public http::HttpObserver {
 public:
  explicit Collector(int64_t max_bytes) : max_bytes_(static_cast<size_t>(max_bytes)) {}

  void OnHeaders(int status, const http::HttpHeaders&) override { status_ = status; }

  http::Flow OnBody(absl::string_view bytes) override {
    if (status_ != 200) return http::Flow::kAbort;
    if (body_.size() + bytes.size() > max_bytes_) {
      too_large_ = true;
      return http::Flow::kAbort;
    }
    body_.append(bytes.data(), bytes.size());
    return http::Flow::kMore;
  }

  void OnDone(http::HttpOutcome outcome) override { done_.Set(Judge(outcome)); }

  Awaitable<FetchedDocument> Wait() { return done_.Wait(); }

 private:
  FetchedDocument Judge(const http::HttpOutcome& outcome) {
    if (too_large_) {
      return Failed(FetchOutcome::kTooLarge, absl::StrCat("found more than ", max_bytes_,
                                                          " bytes, allowed at most so many"));
    }
    if (status_ != 0 && status_ != 200) {
      return Failed(FetchOutcome::kStatus,
                    absl::StrCat("answered with HTTP ", status_, ", expected 200"));
    }
    switch (outcome.kind) {
      case Kind::kOk:
        return {.outcome = FetchOutcome::kOk, .document = std::move(body_)};
      case Kind::kCancelled:
        return Failed(FetchOutcome::kStopped, "stopped");
      case Kind::kTimeoutConnect:
      case Kind::kTimeoutFirstByte:
      case Kind::kTimeoutIdle:
      case Kind::kTimeoutTotal:
        return Failed(FetchOutcome::kTimeout, outcome.message);
      case Kind::kTls:
        return Failed(FetchOutcome::kTls, absl::StrCat("TLS: ", outcome.message));
      default:
        return Failed(FetchOutcome::kConnection, outcome.message);
    }
  }

  const size_t max_bytes_;
  int status_ = 0;
  std::string body_;
  bool too_large_ = false;
  OneShot<FetchedDocument> done_;
};

}  // namespace

Awaitable<FetchedDocument> FetchDocument(http::HttpStreamClient& client, http::HttpRequest request,
                                         int64_t max_bytes, std::stop_token stop) {
  const auto collector = std::make_shared<Collector>(max_bytes);
  const http::HttpCallId call = client.Start(std::move(request), collector);
  const std::stop_callback cancel(stop, [&client, call] { client.Cancel(call); });
  co_return co_await collector->Wait();
}

}  // namespace penstock::gateway
