// A connection that says what a test wants, over TLS or not. Blocking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/base/http2_for_test.h"
#include "libs/rpc/test_authority.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct ssl_ctx_st;
struct ssl_st;

namespace penstock::rpc {

// What a client needs for TLS; it verifies nobody.
class RawTls {
 public:
  // Without a certificate when `pair` is empty. `highest_version`: of OpenSSL (TLS1_1_VERSION), 0
  // for the newest.
  explicit RawTls(const IssuedPair& pair, int highest_version = 0);
  ~RawTls();

  ssl_ctx_st* context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

// The header block of a gRPC call of `path`, with `more` behind it.
std::string EncodeCallHeaders(absl::string_view path, absl::string_view more = "");

class RawConnection {
 public:
  // To "127.0.0.1:port" or "unix:path". UNAVAILABLE when it is not taken, or its handshake fails.
  static absl::StatusOr<RawConnection> Open(const std::string& endpoint,
                                            const RawTls* tls = nullptr);
  RawConnection(RawConnection&& other) noexcept;
  ~RawConnection();

  // false once the other side has closed.
  bool Send(absl::string_view bytes);
  bool Send(const http2::Frame& frame) { return Send(http2::Encode(frame)); }
  // Preface and settings.
  bool StartHttp2();

  // The frames that have come, once there is one. Empty when there is none after `patience`, or
  // never will be (closed()).
  std::vector<http2::Frame> Receive(absl::Duration patience);
  // Waits for a frame of `type`, and answers nothing meanwhile. false when none comes.
  bool Await(http2::FrameType type, absl::Duration patience, http2::Frame* found = nullptr);
  bool AwaitClose(absl::Duration patience);
  bool closed() const { return closed_; }

  // Ends it with a reset instead of a farewell.
  void Reset();

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };

  RawConnection() = default;
  // Puts what has come into `unread_`; false when nothing has.
  bool Read(absl::Duration patience);

  int socket_ = -1;
  std::unique_ptr<ssl_st, Free> session_;
  std::string unread_;
  bool closed_ = false;
};

}  // namespace penstock::rpc
