// Memory-recall as a part of a process: opens its store, serves, sweeps, stops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

namespace grpc {
class Channel;
}

namespace penstock::memory_recall {

class MemoryRecallProcess final : public host::Service {
 public:
  // `endpoint`: where it listens; empty: in-process channels only.
  MemoryRecallProcess(const host::Environment& environment, std::string endpoint);
  ~MemoryRecallProcess() override;

  absl::string_view name() const override { return "memory-recall"; }
  absl::Status Start() override;
  std::vector<std::string> Listening() const override;
  void Drain(absl::Duration timeout) override;
  void Stop() override;

  // After Start.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  struct Parts;

  const host::Environment environment_;
  const std::string endpoint_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::memory_recall
