// One client connection: its requests, one after the other.
#pragma once

#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "libs/async/awaitable.h"
#include "tests/providersim/admission.h"
#include "tests/providersim/client_watch.h"
#include "tests/providersim/http_answer.h"
#include "tests/providersim/simulator.h"
#include "tests/providersim/wire_format.h"

namespace penstock::providersim {

// On one thread: the socket's.
class Connection {
 public:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;

  Connection(Socket socket, Simulator& simulator);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Until either side closes.
  Awaitable<void> Serve();

 private:
  // Nothing when the connection is at its end.
  Awaitable<std::optional<Request>> ReadRequest();
  // False when the connection has to end.
  Awaitable<bool> Answer(Request request);
  Awaitable<bool> Complete(Request request, const WireFormat& format);
  Awaitable<bool> CountTokens(const Request& request, const WireFormat& format);
  Awaitable<bool> Substitute(HttpAnswer answer, bool keep_alive);
  Awaitable<bool> Write(std::string bytes);
  Reply Plan(const Request& request, const WireFormat& format) const;
  // What comes of the reply as it was planned: an outage, a limit or the failure that the request
  // asks for may stand before it, in this order.
  void Admit(absl::string_view api_key, const WireFormat& format, Reply& reply,
             Admission& admission);
  // The last of these.
  void Befall(const WireFormat& format, Reply& reply);

  Socket socket_;
  Simulator& simulator_;
  const uint64_t number_;
  ClientWatch watch_;
  boost::beast::flat_buffer buffer_;
};

// Serves `socket`, then lets go of it.
Awaitable<void> ServeConnection(Socket socket, Simulator& simulator);

}  // namespace penstock::providersim
