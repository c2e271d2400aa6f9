#include "services/dispatcher/queue/fair_options.h"

namespace penstock::dispatcher {

FairSchedulerOptions FairOptionsOf(const config::v1::Model& model) {
  FairSchedulerOptions options;
  const config::v1::Price& price = model.price();
  if (price.input() > 0) {
    options.cost.output = price.output() / price.input();
    options.cost.cached_input = price.has_cache_read() ? price.cache_read() / price.input() : 1;
  }
  return options;
}

}  // namespace penstock::dispatcher
