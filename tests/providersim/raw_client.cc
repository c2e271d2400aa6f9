#include "tests/providersim/raw_client.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {

namespace asio = boost::asio;

struct RawClient::Stream {
  asio::io_context context;
  asio::generic::stream_protocol::socket socket{context};
};

RawClient::RawClient(const std::string& address) : stream_(std::make_unique<Stream>()) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    stream_->socket.connect(asio::local::stream_protocol::endpoint(std::string(path)));
    return;
  }
  const size_t colon = address.rfind(':');
  stream_->socket.connect(
      asio::ip::tcp::endpoint(asio::ip::make_address(address.substr(0, colon)),
                              static_cast<uint16_t>(std::stoi(address.substr(colon + 1)))));
}

RawClient::~RawClient() = default;
RawClient::RawClient(RawClient&&) noexcept = default;

void RawClient::Send(absl::string_view method, absl::string_view target, absl::string_view body,
                     absl::string_view headers) {
  asio::write(stream_->socket,
              asio::buffer(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: sim\r\n", headers,
                                        "Content-Length: ", body.size(), "\r\n\r\n", body)));
}

void RawClient::SendChat(absl::string_view body, absl::string_view headers) {
  Send("POST", "/v1/chat/completions", body, headers);
}

void RawClient::SendMessages(absl::string_view body, absl::string_view headers) {
  Send("POST", "/v1/messages", body, absl::StrCat("anthropic-version: 2023-06-01\r\n", headers));
}

bool RawClient::ReadSome() {
  char bytes[4096];
  boost::system::error_code failed;
  const size_t count = stream_->socket.read_some(asio::buffer(bytes), failed);
  unread_.append(bytes, count);
  if (failed) failure_ = failed == asio::error::connection_reset ? "reset" : "closed";
  return !failed;
}

std::string RawClient::Take(size_t bytes) {
  while (unread_.size() < bytes && ReadSome()) {
  }
  std::string taken = unread_.substr(0, bytes);
  unread_.erase(0, taken.size());
  return taken;
}

std::string RawClient::ReadUntil(absl::string_view marker) {
  size_t at = 0;
  while ((at = unread_.find(marker.data(), 0, marker.size())) == std::string::npos) {
    if (!ReadSome()) return Take(unread_.size());
  }
  return Take(at + marker.size());
}

std::string RawClient::ReadAnswer() {
  head_ = ReadUntil("\r\n\r\n");
  constexpr absl::string_view kLength = "content-length: ";
  const size_t at = head_.find(kLength.data(), 0, kLength.size());
  if (at == std::string::npos) return ReadChunks();
  return Take(std::stoul(head_.substr(at + kLength.size())));
}

std::string RawClient::ReadChunks() {
  std::string body;
  for (;;) {
    const std::string line = ReadUntil("\r\n");
    if (line.empty()) return body;
    const size_t size = std::stoul(line, nullptr, 16);
    body += Take(size);
    Take(2);
    if (size == 0) return body;
  }
}

std::string RawClient::ReadToEnd() {
  while (ReadSome()) {
  }
  return Take(unread_.size());
}

bool RawClient::IsSilent() { return unread_.empty() && stream_->socket.available() == 0; }

}  // namespace penstock::providersim
