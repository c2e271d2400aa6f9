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

class CurlMulti;
class CurlPool;
class CurlTransfer;

// What all transfers of a client share.
struct TransferOptions {
  std::string user_agent;
  size_t max_header_bytes = 0;
  // Monotonic time, read once a round of the loop.
  const absl::Duration* now = nullptr;
  // Gets every transfer whose next limit has come nearer than it is armed for.
  std::vector<CurlTransfer*>* hurried = nullptr;
};

// Reusable: Prepare, then libcurl runs it, then Finish; and again.
class CurlTransfer {
 public:
  // `pool`: whose it is.
  CurlTransfer(const TransferOptions& options, CurlPool& pool);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  static CurlTransfer& Of(CURL* easy);

  // `multi`: where it will run.
  void Prepare(HttpCallId id, HttpRequest request, std::shared_ptr<HttpObserver> observer,
               CurlMulti& multi);

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
  CurlPool& pool() const { return pool_; }
  CurlMulti* multi() const { return multi_; }
  // When the loop will call CheckLimits.
  absl::Duration armed() const { return armed_; }
  void set_armed(absl::Duration armed) { armed_ = armed; }

 private:
  enum class Phase { kConnecting, kWaiting, kStreaming, kDraining };

  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnConnected(void* self, char* server_ip, char* own_ip, int server_port, int own_port);
  static size_t OnHeaderLine(char* bytes, size_t size, size_t count, void* self);
  static size_t OnBodyBytes(char* bytes, size_t size, size_t count, void* self);

  void SetConstantOptions(const TransferOptions& options);
  void SetTransport(const HttpTransport& transport);
  void SetCallbacks();
  // False: it ends here.
  bool BeginSend();
  // Whether the server cannot have looked at the last send, which libcurl is about to repeat.
  bool WasRefused() const;
  // Inside a callback that makes libcurl end it. False.
  bool Fail(HttpOutcome::Kind kind, absl::string_view message);
  void TakeStatusLine(absl::string_view line);
  bool TakeHeaderLine(absl::string_view line);
  bool TakeBody(absl::string_view bytes);
  void Enter(Phase phase);
  absl::Duration Limit() const;
  HttpOutcome::Kind LimitKind() const;

  CurlPool& pool_;
  const size_t max_header_bytes_;
  const absl::Duration& now_;
  std::vector<CurlTransfer*>& hurried_;
  CURL* easy_;
  curl_slist* header_list_ = nullptr;
  CurlMulti* multi_ = nullptr;
  HttpCallId id_ = 0;
  HttpRequest request_;
  std::shared_ptr<HttpObserver> observer_;
  Phase phase_ = Phase::kConnecting;
  absl::Duration phase_since_;
  absl::Duration total_due_;
  absl::Duration armed_ = absl::InfiniteDuration();
  // Requests begun on a connection; a second one is libcurl's own repeat where a reused one was
  // dead, or an HTTP/2 server refused the stream unseen.
  int sends_ = 0;
  int refused_sends_ = 0;
  // The last of them.
  bool on_new_connection_ = false;
  // Since the last of them, or the start.
  int sockets_opened_ = 0;
  int64_t body_bytes_ = 0;
  int status_ = 0;
  bool headers_told_ = false;
  HttpHeaders headers_;
  // Why we stopped it inside a callback.
  std::optional<HttpOutcome> verdict_;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace penstock::http
