// The one kind of coroutine that Penstock has, and how it is started.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

namespace penstock {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

// Runs a coroutine to its end, detached. Errors are values, so an exception that leaves it is a
// bug: it ends the process with its message.
void Spawn(const Executor& executor, Awaitable<void> coroutine);

}  // namespace penstock
