#include "services/gateway/key_fetchers.h"

namespace penstock::gateway {

KeyFetchers::KeyFetchers(const std::vector<identity::PublishedKeys*>& issuers,
                         const host::Environment& environment) {
  for (identity::PublishedKeys* keys : issuers) {
    const std::string& ca_file = keys->config().ca_file();
    auto& client = clients_[ca_file];
    if (client == nullptr) {
      http::CurlClientOptions options;
      options.ca_file = ca_file;
      client = std::make_unique<http::CurlClient>(options, environment.clock);
    }
    fetchers_[keys] = std::make_unique<KeyFetcher>(*keys, *client, environment);
  }
}

void KeyFetchers::Stop() {
  for (const auto& [_, fetcher] : fetchers_) fetcher->Stop();
}

}  // namespace penstock::gateway
