// One request on one libcurl easy handle. Everything here runs on the loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curl/curl.h>

#include "libs/http/http_stream_client.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::http {

class CurlTransfer;

// What all transfers of a client share.
struct TransferOptions {
  std::string user_agent;
  std::string ca_file;
  size_t max_header_bytes = 0;
  // Monotonic time, read once a round of the loop.
  const absl::Duration* now = nullptr;
  // Gets every transfer whose next limit has come nearer than it is armed for.
  std::vector<CurlTransfer*>* hurried = nullptr;
  // Passed to the socket functions.
  void* sockets = nullptr;
  curl_opensocket_callback open_socket = nullptr;
  curl_closesocket_callback close_socket = nullptr;
};

// Reusable: Prepare, then libcurl runs it, then Finish; and again.
class CurlTransfer {
 public:
  explicit CurlTransfer(const TransferOptions& options);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  void Prepare(HttpCallId id, HttpRequest request, std::shared_ptr<HttpObserver> observer);

  // The first moment at which a time limit could be passed.
  absl::Duration NextDue() const;
  // The limit that is passed now, if one is.
  std::optional<HttpOutcome> CheckLimits() const;

  // What libcurl's result means.
  HttpOutcome OutcomeOf(CURLcode code) const;
  HttpOutcome Stopped(HttpOutcome::Kind kind, absl::string_view message) const;
  // Tells the observer and lets go of request and observer.
  void Finish(HttpOutcome outcome);

  HttpCallId id() const { return id_; }
  CURL* easy() const { return easy_; }
  // When the loop will call CheckLimits.
  absl::Duration armed() const { return armed_; }
  void set_armed(absl::Duration armed) { armed_ = armed; }

 private:
  enum class Phase { kConnecting, kWaiting, kStreaming, kDraining };

  static int OnConnected(void* self, char*, char*, int, int);
  static size_t OnHeaderLine(char* bytes, size_t size, size_t count, void* self);
  static size_t OnBodyBytes(char* bytes, size_t size, size_t count, void* self);

  void SetConstantOptions(const TransferOptions& options);
  bool TakeHeaderLine(absl::string_view line);
  bool TakeBody(absl::string_view bytes);
  void Enter(Phase phase);
  absl::Duration Limit() const;
  HttpOutcome::Kind LimitKind() const;

  const size_t max_header_bytes_;
  const absl::Duration& now_;
  std::vector<CurlTransfer*>& hurried_;
  CURL* easy_;
  curl_slist* header_list_ = nullptr;
  HttpCallId id_ = 0;
  HttpRequest request_;
  std::shared_ptr<HttpObserver> observer_;
  Phase phase_ = Phase::kConnecting;
  absl::Duration phase_since_;
  absl::Duration total_due_;
  absl::Duration armed_ = absl::InfiniteDuration();
  // Requests begun on a connection; a second one is libcurl's own repeat on a dead reused one.
  int sends_ = 0;
  int status_ = 0;
  bool headers_told_ = false;
  HttpHeaders headers_;
  // Why we stopped it inside a callback.
  std::optional<HttpOutcome> verdict_;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace penstock::http
