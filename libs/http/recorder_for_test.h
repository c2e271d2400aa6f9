// An observer that keeps what it is told, for a test to wait for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/mutex.h"
#include "libs/http/http_stream_client.h"

namespace penstock::http {

// Records one answer. Wait* blocks the test's thread.
class Recorder : public HttpObserver {
 public:
  std::function<Flow(absl::string_view)> on_body = [](absl::string_view) { return Flow::kMore; };

  void OnHeaders(int status, const HttpHeaders& headers) override {
    MutexLock lock(mutex_);
    status_ = status;
    headers_ = headers;
  }
  Flow OnBody(absl::string_view bytes) override {
    {
      MutexLock lock(mutex_);
      body_.append(bytes.data(), bytes.size());
      changed_.NotifyAll();
    }
    return on_body(bytes);
  }
  void OnDone(HttpOutcome outcome) override {
    MutexLock lock(mutex_);
    outcome_ = std::move(outcome);
    ++done_;
    changed_.NotifyAll();
  }

  HttpOutcome Wait() {
    MutexLock lock(mutex_);
    while (!outcome_) changed_.Wait(mutex_);
    return *outcome_;
  }
  void WaitForBody(absl::string_view text) {
    MutexLock lock(mutex_);
    while (body_.find(std::string(text)) == std::string::npos && !outcome_) changed_.Wait(mutex_);
  }
  std::string body() {
    MutexLock lock(mutex_);
    return body_;
  }
  int status() {
    MutexLock lock(mutex_);
    return status_;
  }
  int done() {
    MutexLock lock(mutex_);
    return done_;
  }
  std::string Header(absl::string_view name) {
    MutexLock lock(mutex_);
    return std::string(headers_.Find(name).value_or("absent"));
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int status_ ABSL_GUARDED_BY(mutex_) = 0;
  HttpHeaders headers_ ABSL_GUARDED_BY(mutex_);
  std::string body_ ABSL_GUARDED_BY(mutex_);
  std::optional<HttpOutcome> outcome_ ABSL_GUARDED_BY(mutex_);
  int done_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace penstock::http
