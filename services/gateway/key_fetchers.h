// The fetchers of all issuers that publish their keys, and the HTTP clients they share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/http/curl_client.h"
#include "libs/identity/published_keys.h"
#include "services/gateway/key_fetcher.h"

namespace penstock::gateway {

// Thread-safe.
class KeyFetchers {
 public:
  // They fetch from here on. The issuers outlive it.
  KeyFetchers(const std::vector<identity::PublishedKeys*>& issuers,
              const host::Environment& environment);

  // Of one of the issuers.
  KeyFetcher& Of(const identity::PublishedKeys& keys) const { return *fetchers_.at(&keys); }

  // All of them.
  void Stop();

 private:
  // One client, and so one thread, for each file of trusted certificates.
  std::map<std::string, std::unique_ptr<http::CurlClient>> clients_;
  std::map<const identity::PublishedKeys*, std::unique_ptr<KeyFetcher>> fetchers_;
};

}  // namespace penstock::gateway
