// A value that is set once, by anybody, and awaited once, by a coroutine.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"

#include "absl/functional/any_invocable.h"

namespace penstock {

// Thread-safe. The waiter is resumed by a post to its executor, never inside Set, so Set may be
// called under a lock and on any thread. Must outlive the wait, and must be set once it is waited
// for.
template <class T>
class OneShot {
 public:
  // Keeps the first value. False, and nothing happens, when there is one already.
  bool Set(T value) {
    absl::AnyInvocable<void(T)> waiter;
    {
      MutexLock lock(mutex_);
      if (set_) return false;
      set_ = true;
      if (!waiter_) {
        value_ = std::move(value);
        return true;
      }
      waiter = std::exchange(waiter_, nullptr);
    }
    waiter(std::move(value));
    return true;
  }

  // The value, at once when it is set already. Call it once.
  Awaitable<T> Wait() {
    if (std::optional<T> value = TakeValue()) co_return *std::move(value);
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
        [this](auto handler) { this->SetWaiter(std::move(handler)); }, boost::asio::use_awaitable);
  }

 private:
  std::optional<T> TakeValue() {
    MutexLock lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

  template <class Handler>
  void SetWaiter(Handler handler) {
    auto resume = [handler = std::move(handler)](T value) mutable {
      auto executor = boost::asio::get_associated_executor(handler);
      boost::asio::post(executor,
                        [handler = std::move(handler), value = std::move(value)]() mutable {
                          std::move(handler)(std::move(value));
                        });
    };
    std::optional<T> value;
    {
      MutexLock lock(mutex_);
      if (!value_) {
        waiter_ = std::move(resume);
        return;
      }
      value = std::exchange(value_, std::nullopt);
    }
    resume(*std::move(value));
  }

  Mutex mutex_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<T> value_ ABSL_GUARDED_BY(mutex_);
  absl::AnyInvocable<void(T)> waiter_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock
