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
  const config::v1::Queue& queue = config.queue();
  options.shares.classes[chat::v1::CLASS_PAID] = {queue.paid_floor(), queue.paid_cap()};
  options.shares.classes[chat::v1::CLASS_FREE] = {queue.free_floor(), queue.free_cap()};
  options.shares.classes[chat::v1::CLASS_BATCH] = {queue.batch_floor(), queue.batch_cap()};
  return options;
}

}  // namespace penstock::dispatcher
