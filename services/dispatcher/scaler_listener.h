// Where KEDA asks the dispatcher how much work there is: a listener of its own, for it asks for no
// user and brings no grant.
#pragma once

#include <memory>
#include <string>

#include "libs/host/environment.h"
#include "services/dispatcher/scaling/scaler.h"

#include "absl/status/statusor.h"

namespace penstock::rpc {
class Transport;
}

namespace penstock::dispatcher {

// With `tls` whoever calls has to have a certificate that `tls.scaler_callers` allows. Thread-safe.
class ScalerListener {
 public:
  // On endpoints.scaler, which is refused as CheckListener says. The references outlive it.
  static absl::StatusOr<std::unique_ptr<ScalerListener>> Start(const host::Environment& environment,
                                                               const Scaler& scaler,
                                                               const rpc::Transport& transport);
  // Ends the streams, and then serves nobody any more.
  ~ScalerListener();

  // "127.0.0.1:7425".
  std::string endpoint() const;

 private:
  struct Parts;

  explicit ScalerListener(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::dispatcher
