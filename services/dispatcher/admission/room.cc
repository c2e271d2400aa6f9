#include "services/dispatcher/admission/room.h"

#include <optional>
#include <utility>

namespace penstock::dispatcher {
namespace {

struct FullPool {
  Arbiter* pool;
  absl::Duration eta;
  absl::Status why;
};

// Nothing when the pool may have room.
std::optional<FullPool> FullFor(Arbiter& pool, const Depth& depth, const TurnInLine& turn) {
  if (depth.HasRoom(turn.tenant, turn.turn_class)) return std::nullopt;
  const absl::Duration eta = pool.PlaceOfNext(turn).eta.p50;
  absl::Status why = depth.CheckRoom(turn.tenant, turn.turn_class, eta);
  if (why.ok()) return std::nullopt;
  return FullPool{&pool, eta, std::move(why)};
}

// By the pool of that name, or by all of them.
std::optional<FullPool> FullPoolFor(const Pools& pools, const Depths& depths,
                                    std::optional<absl::string_view> only, const TurnInLine& turn) {
  if (only) return FullFor(*pools.at(*only), *depths.at(*only), turn);
  std::optional<FullPool> soonest;
  for (const auto& [name, pool] : pools) {
    auto full = FullFor(*pool, *depths.at(name), turn);
    if (!full) return std::nullopt;
    if (!soonest || full->eta < soonest->eta) soonest = std::move(full);
  }
  return soonest;
}

}  // namespace

absl::Status CheckRoom(const TurnServices& services, const Depths& depths,
                       const chat::v1::TurnSpec& spec, const TurnInLine& turn, int64_t times) {
  std::optional<absl::string_view> only;
  if (!spec.agent().empty()) {
    const auto agent = services.agents.Resolve(spec.agent(), spec);
    // What is wrong with it is said where it is resolved for good.
    if (!agent.ok()) return absl::OkStatus();
    only = agent->model->name();
  }
  auto full = FullPoolFor(services.pools, depths, only, turn);
  if (!full) return absl::OkStatus();
  full->pool->CountRefused(turn.turn_class, times);
  return std::move(full->why);
}

}  // namespace penstock::dispatcher
