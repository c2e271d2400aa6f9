#include "services/dispatcher/queue/fair_options.h"

namespace penstock::dispatcher {

FairSchedulerOptions FairOptionsOf(const config::v1::Config& config,
                                   const config::v1::Model& model) {
  FairSchedulerOptions options;
  const config::v1::Price& price = model.price();
  if (price.input() > 0) {
    options.cost.output = price.output() / price.input();
    options.cost.cached_input = price.has_cache_read() ? price.cache_read() / price.input() : 1;
  }
  for (const auto& tenant : config.tenants())
    options.shares.weights[tenant.name()] = tenant.weight();
  options.shares.classes[chat::v1::CLASS_PAID].floor = config.queue().paid_floor();
  options.shares.classes[chat::v1::CLASS_FREE].floor = config.queue().free_floor();
  options.shares.classes[chat::v1::CLASS_BATCH].floor = config.queue().batch_floor();
  return options;
}

}  // namespace penstock::dispatcher
