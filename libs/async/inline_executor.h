// An executor that runs what is dispatched to it at once, on the thread that dispatches.
//
// Coroutines of a service run on it: after an RPC they go on where its completion arrived, which
// saves a hop to another thread (figures: libs/rpc/README.md). What must not run on the spot (a
// completion under a lock, or on a thread that may not be held up) is posted, and then runs on the
// io_context. The code of a coroutine must therefore never block, and two coroutines may run at the
// same time: what they share is behind a Mutex.
#pragma once

#include <utility>

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace penstock {

// A handle; copy it freely. The io_context must outlive every coroutine.
class InlineExecutor {
 public:
  explicit InlineExecutor(boost::asio::io_context& io) : InlineExecutor(&io, false) {}

  bool operator==(const InlineExecutor&) const noexcept = default;

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return *io_;
  }
  InlineExecutor require(boost::asio::execution::blocking_t::possibly_t) const {
    return {io_, false};
  }
  InlineExecutor require(boost::asio::execution::blocking_t::never_t) const { return {io_, true}; }

  template <class Function>
  void execute(Function function) const {
    if (posts_) {
      boost::asio::post(*io_, std::move(function));
    } else {
      std::move(function)();
    }
  }

 private:
  InlineExecutor(boost::asio::io_context* io, bool posts) : io_(io), posts_(posts) {}

  boost::asio::io_context* io_;
  bool posts_;
};

}  // namespace penstock
