// A blocking HTTP client, as plain as a test needs it.
#pragma once

#include <string>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "libs/host/endpoint.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {

class HttpForTest {
 public:
  // `address` as the ready line gives it, with an IP address.
  explicit HttpForTest(const std::string& address) {
    const Endpoint endpoint = ParseEndpoint(address).value();
    if (endpoint.is_unix()) {
      socket_.connect(boost::asio::local::stream_protocol::endpoint(endpoint.unix_path));
    } else {
      socket_.connect(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(endpoint.host),
                                                     endpoint.port));
    }
  }

  void Send(const std::string& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

  // What comes until the server closes.
  std::string ReadAll() {
    std::string text;
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(text), error);
    return text;
  }

  // What comes until `end` has come.
  std::string ReadUntil(const std::string& end) {
    std::string text;
    char c = 0;
    boost::system::error_code error;
    while (text.find(end) == std::string::npos && !error) {
      if (socket_.read_some(boost::asio::buffer(&c, 1), error) == 1) text.push_back(c);
    }
    return text;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::generic::stream_protocol::socket socket_{io_};
};

inline std::string GetForTest(const std::string& address, const std::string& path,
                              const std::string& method = "GET") {
  HttpForTest client(address);
  client.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return client.ReadAll();
}

}  // namespace penstock::host
