// A client of providersim's tests: bytes over a socket, read by rules that share nothing with the
// server's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Blocking. A read that fails leaves its reason in failure().
class RawClient {
 public:
  // "127.0.0.1:port" or "unix:path".
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(RawClient&&) noexcept;

  void Send(absl::string_view method, absl::string_view target, absl::string_view body,
            absl::string_view headers = "");
  void SendChat(absl::string_view body, absl::string_view headers = "");
  // By version 2023-06-01 of Anthropic's format.
  void SendMessages(absl::string_view body, absl::string_view headers = "");
  // Everything up to and with `marker`; less when the connection ends first.
  std::string ReadUntil(absl::string_view marker);
  // Up to the end of one HTTP answer, chunked or with a length. Its body without framing.
  std::string ReadAnswer();
  // Head of the answer that was read last.
  const std::string& head() const { return head_; }
  // Everything up to the end of the connection.
  std::string ReadToEnd();
  // "", "closed" or "reset".
  const std::string& failure() const { return failure_; }
  // Nothing has arrived that was not read yet.
  bool IsSilent();

 private:
  struct Stream;

  bool ReadSome();
  std::string Take(size_t bytes);
  std::string ReadChunks();

  std::unique_ptr<Stream> stream_;
  std::string unread_;
  std::string head_;
  std::string failure_;
};

}  // namespace penstock::providersim
