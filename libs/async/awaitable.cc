#include "libs/async/awaitable.h"

#include <cstdlib>
#include <exception>

#include <boost/asio/co_spawn.hpp>

#include "libs/base/log.h"

namespace penstock {

void Spawn(const Executor& executor, Awaitable<void> coroutine) {
  boost::asio::co_spawn(executor, std::move(coroutine), [](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      Log(Severity::kError, "a coroutine threw; this is a bug, the process ends",
          {{"what", e.what()}});
    }
    std::abort();
  });
}

}  // namespace penstock
