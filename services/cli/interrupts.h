// Ctrl-C as an event, instead of the end of the process.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <thread>

#include "absl/status/statusor.h"

namespace penstock::cli {

// SIGINT, or these signals, wait in a descriptor from construction to the end of the process. Make
// it before any other thread. One a process.
class Interrupts {
 public:
  explicit Interrupts(std::initializer_list<int> signals = {SIGINT});
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // Readable while one waits; for poll(2).
  int descriptor() const { return descriptor_; }
  // Takes one that waits.
  void Take() const;

 private:
  int descriptor_;
};

// While it lives, runs `action` for each Ctrl-C, on a thread of its own.
class InterruptWatch {
 public:
  InterruptWatch(const Interrupts& interrupts, std::function<void()> action);
  ~InterruptWatch();

 private:
  void Watch(const Interrupts& interrupts, const std::function<void()>& action) const;

  int stop_;
  std::thread thread_;
};

}  // namespace penstock::cli
