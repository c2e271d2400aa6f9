// Two coroutines at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/use_awaitable.hpp>

#include "libs/async/awaitable.h"

namespace penstock {

// Runs both and answers both results. The caller goes on where the later one ended.
template <class A, class B>
Awaitable<std::pair<A, B>> Both(Executor executor, Awaitable<A> a, Awaitable<B> b) {
  struct State {
    std::atomic<int> left = 2;
    std::optional<A> a;
    std::optional<B> b;
    std::function<void()> resume;

    void Done() {
      if (left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      // The caller may end, and this state with it, before the call returns.
      const std::function<void()> keep = std::move(resume);
      keep();
    }
  };
  State state;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        state.resume = [shared] { std::move (*shared)(); };
        Spawn(executor, [](Awaitable<A> first, State& s) -> Awaitable<void> {
          s.a.emplace(co_await std::move(first));
          s.Done();
        }(std::move(a), state));
        Spawn(executor, [](Awaitable<B> second, State& s) -> Awaitable<void> {
          s.b.emplace(co_await std::move(second));
          s.Done();
        }(std::move(b), state));
      },
      boost::asio::use_awaitable);
  co_return std::pair<A, B>(*std::move(state.a), *std::move(state.b));
}

}  // namespace penstock
