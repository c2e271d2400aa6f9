// Carries bytes between two connections, for the servers of tests that stand before another one.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libs/async/awaitable.h"

namespace penstock::http {

// Owns both connections, and closes both as soon as either ends. On one thread.
template <class One, class Other>
class ByteRelay {
 public:
  static void Start(const Executor& executor, One one, Other other) {
    const auto relay = std::make_shared<ByteRelay>(std::move(one), std::move(other));
    Spawn(executor, Carry(relay, relay->one_, relay->other_));
    Spawn(executor, Carry(relay, relay->other_, relay->one_));
  }

  ByteRelay(One one, Other other) : one_(std::move(one)), other_(std::move(other)) {}

 private:
  template <class From, class To>
  static Awaitable<void> Carry(std::shared_ptr<ByteRelay> self, From& from, To& to) {
    std::array<char, 16 * 1024> buffer;
    try {
      while (true) {
        const size_t size =
            co_await from.async_read_some(boost::asio::buffer(buffer), boost::asio::use_awaitable);
        co_await boost::asio::async_write(to, boost::asio::buffer(buffer.data(), size),
                                          boost::asio::use_awaitable);
      }
    } catch (const boost::system::system_error&) {
      self->Close();
    }
  }

  void Close() {
    boost::system::error_code ignored;
    one_.lowest_layer().close(ignored);
    other_.lowest_layer().close(ignored);
  }

  One one_;
  Other other_;
};

}  // namespace penstock::http
