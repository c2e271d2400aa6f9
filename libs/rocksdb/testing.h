// For tests of stores: a folder of one's own, and a thread that runs coroutines to their end.
#pragma once

#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <stdlib.h>
#include <unistd.h>

#include "libs/async/awaitable.h"
#include "libs/async/inline_executor.h"

namespace penstock::rocks {

// Removed with all that is in it. In memory where the machine offers that, so that syncs cost
// nothing.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((Parent() / "penstock-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  static std::filesystem::path Parent() {
    return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
  }

  std::string path_;
};

// An io_context with threads, as a service has it. Like there, it must outlive every committer
// whose writes its coroutines await.
class CoroutineThreads {
 public:
  explicit CoroutineThreads(int threads = 2) : work_(io_.get_executor()) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { io_.run(); });
  }
  ~CoroutineThreads() {
    work_.reset();
    for (auto& thread : threads_) thread.join();
  }

  // Starts on one of the threads.
  template <class T>
  std::future<T> Start(Awaitable<T> coroutine) {
    auto started = std::make_shared<std::promise<T>>();
    auto result = started->get_future();
    boost::asio::co_spawn(io_, Finish(std::move(coroutine), std::move(started)),
                          [](std::exception_ptr error) {
                            if (error) std::terminate();
                          });
    return result;
  }

  // Blocks until the end.
  template <class T>
  T Await(Awaitable<T> coroutine) {
    return Start(std::move(coroutine)).get();
  }

  boost::asio::io_context& io() { return io_; }

 private:
  template <class T>
  static Awaitable<void> Finish(Awaitable<T> coroutine, std::shared_ptr<std::promise<T>> result) {
    result->set_value(co_await std::move(coroutine));
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

}  // namespace penstock::rocks
