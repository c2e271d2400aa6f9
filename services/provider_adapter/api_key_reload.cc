#include "services/provider_adapter/api_key_reload.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/log.h"
#include "services/provider_adapter/api_key.h"

namespace penstock::provider_adapter {

ApiKeyReload::ApiKeyReload(const Routes& routes, obs::Metrics& metrics) {
  for (const auto& provider : routes.providers()) {
    if (provider->api_key_file.empty()) continue;
    const obs::Labels labels = {{"provider", provider->name}};
    watched_.push_back(
        {.provider = provider.get(),
         .reloads = &metrics.AddCounter("penstock_provider_adapter_key_reloads_total",
                                        "API keys exchanged because their file changed.", labels),
         .failures = &metrics.AddCounter(
             "penstock_provider_adapter_key_reload_failures_total",
             "Looks at a file of an API key that could not be used; the old key stays.", labels)});
  }
}

void ApiKeyReload::Look() {
  for (Watched& watched : watched_) LookAt(watched);
}

std::optional<ApiKeyReload::Signature> ApiKeyReload::SignatureOf(const std::string& file) {
  // Of what a link points to: that is how mounted secrets are exchanged.
  struct stat found{};
  if (stat(file.c_str(), &found) != 0) return std::nullopt;
  return Signature{
      .device = found.st_dev,
      .inode = found.st_ino,
      .size = found.st_size,
      .changed_ns = found.st_mtim.tv_sec * int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
}

void ApiKeyReload::LookAt(Watched& watched) {
  ProviderRoute& provider = *watched.provider;
  // Before the file is read: a change in between is seen at the next look.
  const std::optional<Signature> signature = SignatureOf(provider.api_key_file);
  if (signature && signature == watched.seen) return;
  const absl::StatusOr<std::string> key = ReadKeyFile(provider.api_key_file);
  if (!key.ok()) {
    watched.failures->Increment();
    watched.seen.reset();
    const std::string fault(key.status().message());
    if (std::exchange(watched.fault, fault) == fault) return;
    Log(Severity::kWarning, "an API key file cannot be used; the old key stays",
        {{"provider", provider.name}, {"file", provider.api_key_file}, {"fault", fault}});
    return;
  }
  watched.seen = signature;
  watched.fault.clear();
  if (*key == provider.credential.Get()->api_key) return;
  provider.SetKey(*key);
  watched.reloads->Increment();
  Log(Severity::kInfo, "an API key was exchanged",
      {{"provider", provider.name}, {"file", provider.api_key_file}});
}

Awaitable<void> WatchApiKeys(ApiKeyReload& reload, Timers& timers, BoundedExecutor& blocking,
                             std::stop_token stop) {
  if (reload.idle()) co_return;
  while (co_await SleepOrStop(timers, kKeyLookInterval, stop)) {
    // A full queue is no fault: the next look sees what this one would have seen.
    [[maybe_unused]] const absl::Status looked = co_await blocking.Run([&]() -> absl::Status {
      reload.Look();
      return absl::OkStatus();
    });
  }
}

}  // namespace penstock::provider_adapter
