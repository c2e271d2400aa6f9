// Session-state as a part of a process: opens its store, serves, sweeps, stops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

namespace grpc {
class Channel;
}

namespace penstock::session_state {

class SessionStateProcess final : public host::Service {
 public:
  // `endpoint`: where it listens; empty: in-process channels only.
  SessionStateProcess(const host::Environment& environment, std::string endpoint);
  ~SessionStateProcess() override;

  absl::string_view name() const override { return "session-state"; }
  absl::Status Start() override;
  std::vector<std::string> Listening() const override;
  void Drain(absl::Duration timeout) override;
  void Stop() override;

  // To this service, from within the process; after Start.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  struct Running;

  const host::Environment environment_;
  const std::string endpoint_;
  std::unique_ptr<Running> running_;
};

}  // namespace penstock::session_state
