// Which providers answer for a model, and on what terms: the configuration, checked once.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/snapshot.h"
#include "libs/http/http_transport.h"
#include "libs/pricing/price.h"
#include "penstock/config/v1/config.pb.h"
#include "services/provider_adapter/api_key.h"
#include "services/provider_adapter/provider.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::provider_adapter {

struct ProviderRoute {
  std::string name;
  std::unique_ptr<Protocol> protocol;
  std::string url;
  // Empty: the key does not change.
  std::string api_key_file;
  Snapshot<Credential> credential{std::make_shared<const Credential>()};
  std::shared_ptr<http::HttpTransport> transport;
  absl::Duration connect_timeout;
  absl::Duration first_byte_timeout;
  absl::Duration idle_timeout;
  int64_t max_answer_bytes = 0;
  int max_streams = 0;
  std::atomic<int> open_streams = 0;

  // For calls that begin from now on. Thread-safe.
  void SetKey(const std::string& api_key);
};

// One lane of a model.
struct ModelRoute {
  // "provider/model", as the configuration calls the model.
  std::string name;
  ProviderRoute* provider = nullptr;
  std::string wire_name;
  ModelTerms terms;
  std::optional<pricing::Rates> rates;
};

// Does not change after Read but for the credentials; thread-safe.
class Routes {
 public:
  using Environment = EnvironmentLookup;

  // INVALID_ARGUMENT with the key's path ("providers[1].api_key_env: …"). API keys are read here.
  static absl::StatusOr<std::unique_ptr<Routes>> Read(const config::v1::Config& config,
                                                      Environment environment);

  // Null when the configuration has no such model, or the provider does not serve it. "": the
  // model's first provider.
  const ModelRoute* Find(absl::string_view model, absl::string_view provider = "") const;

  const std::vector<std::unique_ptr<ProviderRoute>>& providers() const { return providers_; }
  // The lanes of each model, by its name.
  const absl::flat_hash_map<std::string, std::vector<ModelRoute>>& models() const {
    return models_;
  }

 private:
  Routes() = default;
  absl::Status AddProvider(const config::v1::Provider& provider, absl::string_view path,
                           Environment environment);
  absl::Status AddModel(const config::v1::Model& model, absl::string_view path);
  absl::StatusOr<std::vector<ModelRoute>> LanesOf(const config::v1::Model& model,
                                                  absl::string_view path) const;
  ProviderRoute* FindProvider(absl::string_view name) const;

  std::vector<std::unique_ptr<ProviderRoute>> providers_;
  absl::flat_hash_map<std::string, std::vector<ModelRoute>> models_;
};

}  // namespace penstock::provider_adapter
