#include "tests/providersim/server.h"

#include <csignal>
#include <random>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "tests/providersim/connection.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {
namespace {

namespace asio = boost::asio;

using Endpoint = asio::generic::stream_protocol::endpoint;

absl::StatusOr<Endpoint> ParseAddress(absl::string_view listen) {
  absl::string_view path = listen;
  if (absl::ConsumePrefix(&path, "unix:")) {
    if (path.empty() || path.size() > 107) {
      return absl::InvalidArgumentError(
          absl::StrCat("--listen ", listen, ": a socket's path has 1 to 107 bytes"));
    }
    unlink(std::string(path).c_str());
    return Endpoint(asio::local::stream_protocol::endpoint(std::string(path)));
  }
  const size_t colon = listen.rfind(':');
  boost::system::error_code failed;
  uint32_t port = 0;
  const auto host = asio::ip::make_address(std::string(listen.substr(0, colon)), failed);
  if (failed || colon == absl::string_view::npos ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen ", listen, ": expected ADDRESS:PORT or unix:PATH"));
  }
  return Endpoint(asio::ip::tcp::endpoint(host, static_cast<uint16_t>(port)));
}

absl::Status Failed(absl::string_view what, const boost::system::error_code& failed) {
  return absl::ErrnoToStatus(failed.value(), what);
}

// The port that the system has chosen.
absl::StatusOr<int> PortOf(const Endpoint& endpoint) {
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return absl::InternalError("no TCP address");
  memcpy(tcp.data(), endpoint.data(), endpoint.size());
  return tcp.port();
}

}  // namespace

Server::Server(Options options, Ledger ledger, uint64_t seed, const Clock& clock)
    : simulator_(std::move(options), std::move(ledger), seed, clock), acceptor_([this]() -> auto& {
        for (int i = 0; i < simulator_.options.threads; ++i) {
          contexts_.push_back(std::make_unique<asio::io_context>(1));
        }
        return *contexts_.front();
      }()) {}

Server::~Server() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  absl::string_view path = address_;
  if (absl::ConsumePrefix(&path, "unix:")) unlink(std::string(path).c_str());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Open(Options options, const Clock& clock) {
  Ledger ledger;
  if (!options.ledger.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(ledger, Ledger::Open(options.ledger));
  }
  std::random_device random;
  const uint64_t seed = (uint64_t{random()} << 32) | random();
  auto server =
      std::unique_ptr<Server>(new Server(std::move(options), std::move(ledger), seed, clock));
  PENSTOCK_RETURN_IF_ERROR(server->Listen());
  return server;
}

absl::Status Server::Listen() {
  const std::string& listen = simulator_.options.listen;
  PENSTOCK_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseAddress(listen));
  boost::system::error_code failed;
  acceptor_.open(endpoint.protocol(), failed);
  if (!failed) acceptor_.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor_.bind(endpoint, failed);
  if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return Failed(absl::StrCat("--listen ", listen), failed);
  address_ = listen;
  if (!absl::StartsWith(listen, "unix:")) {
    PENSTOCK_ASSIGN_OR_RETURN(const int port, PortOf(acceptor_.local_endpoint()));
    address_ = absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
  }
  Spawn(acceptor_.get_executor(), Accept());
  return absl::OkStatus();
}

std::string Server::url() const {
  if (absl::StartsWith(address_, "unix:")) return address_;
  return absl::StrCat("http://", address_, "/v1");
}

Awaitable<void> Server::Accept() {
  for (size_t next = 0;; next = (next + 1) % contexts_.size()) {
    const Executor executor = contexts_[next]->get_executor();
    auto [failed, socket] =
        co_await acceptor_.async_accept(executor, asio::as_tuple(asio::use_awaitable));
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {
      Log(Severity::kWarning, "accept failed", {{"error", failed.message()}});
      continue;
    }
    boost::system::error_code not_tcp;
    socket.set_option(asio::ip::tcp::no_delay(true), not_tcp);
    Spawn(executor, ServeConnection(std::move(socket), simulator_));
  }
}

void Server::Run() {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < contexts_.size(); ++i) {
    threads.emplace_back([&context = *contexts_[i]] {
      auto work = asio::make_work_guard(context);
      context.run();
    });
  }
  contexts_.front()->run();
  for (std::thread& thread : threads) thread.join();
}

void Server::Stop() {
  for (auto& context : contexts_) context->stop();
}

void Server::StopOnSignals() {
  auto signals = std::make_shared<asio::signal_set>(*contexts_.front(), SIGINT, SIGTERM);
  signals->async_wait([this, signals](boost::system::error_code, int) { Stop(); });
}

}  // namespace penstock::providersim
