// What a turn's caller was told of its place in line.
#pragma once

#include <cstdint>
#include <optional>

#include "libs/base/proto_time.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/queue/eta_model.h"

namespace penstock::dispatcher {

// A value.
class ToldPlace {
 public:
  // Takes down what is told now. True when position or whole seconds differ from what was told
  // last: that is worth an event.
  bool Tell(const chat::v1::Queue& place) {
    const bool changed =
        position_ != place.position() || seconds_ != place.eta_p50().seconds() || !first_;
    position_ = place.position();
    seconds_ = place.eta_p50().seconds();
    if (!first_) first_ = Eta{FromProto(place.eta_p50()), FromProto(place.eta_p90())};
    return changed;
  }

  // The estimate that was told first.
  const std::optional<Eta>& first() const { return first_; }

 private:
  int64_t position_ = 0;
  int64_t seconds_ = 0;
  std::optional<Eta> first_;
};

}  // namespace penstock::dispatcher
