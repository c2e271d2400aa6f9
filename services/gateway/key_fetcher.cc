#include "services/gateway/key_fetcher.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "services/gateway/document_fetch.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::gateway {
namespace {

constexpr size_t kToldBytes = 200;

http::HttpRequest RequestOf(const config::v1::Jwks& config) {
  const absl::Duration timeout = FromProto(config.timeout());
  return {.url = config.url(),
          .headers = {"Accept: application/jwk-set+json, application/json"},
          .connect_timeout = timeout,
          .first_byte_timeout = timeout,
          .idle_timeout = timeout,
          .total_timeout = timeout};
}

std::string KidsOf(const identity::JwkSet& set) {
  const auto kid = [](std::string* out, const identity::JwtKey& key) { out->append(key.kid()); };
  return absl::StrJoin(set.keys(), ", ", kid).substr(0, kToldBytes);
}

}  // namespace

KeyFetcher::KeyFetcher(identity::PublishedKeys& keys, http::HttpStreamClient& client,
                       const host::Environment& environment)
    : keys_(keys),
      client_(client),
      environment_(environment),
      metrics_(environment.metrics, keys.issuer()) {
  Spawn(environment_.executor, Run());
}

KeyFetcher::~KeyFetcher() { Stop(); }

void KeyFetcher::Stop() {
  std::shared_ptr<OneShot<bool>> wake;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    wake = wake_;
  }
  stop_.request_stop();
  if (wake != nullptr) wake->Set(true);
  running_.WaitUntilNone();
}

bool KeyFetcher::Await(const std::optional<std::string>& kid, absl::AnyInvocable<void()> again) {
  using Hope = identity::PublishedKeys::Hope;
  std::shared_ptr<OneShot<bool>> wake;
  {
    MutexLock lock(mutex_);
    if (closed_) return false;
    if (waiting_.size() >= static_cast<size_t>(keys_.config().max_waiting_calls())) {
      metrics_.CountWaitRefused();
      return false;
    }
    // Under the lock: a fetch that ends meanwhile finds this call waiting.
    const Hope hope = keys_.Ask(kid, environment_.clock.Monotonic());
    if (hope == Hope::kNone) return false;
    if (hope == Hope::kNow) {
      boost::asio::post(environment_.io, std::move(again));
      return true;
    }
    waiting_.push_back(std::move(again));
    metrics_.ShowWaiting(waiting_.size());
    wake = wake_;
  }
  if (wake != nullptr) wake->Set(true);
  return true;
}

Awaitable<void> KeyFetcher::Run() {
  const auto running = running_.Hold();
  while (!stopping()) {
    const bool fetch = keys_.Tick(environment_.clock.Monotonic());
    const auto set = keys_.Current();
    metrics_.ShowKeys(set == nullptr ? 0 : set->keys().size());
    if (fetch) {
      co_await Fetch();
    } else {
      co_await Pause();
    }
  }
  AskAgain();
}

Awaitable<void> KeyFetcher::Pause() {
  const auto wake = std::make_shared<OneShot<bool>>();
  {
    MutexLock lock(mutex_);
    if (closed_) co_return;
    wake_ = wake;
  }
  // Read now: who asks from here on wakes.
  const absl::Duration wait =
      std::max(absl::ZeroDuration(), keys_.NextDue() - environment_.clock.Monotonic());
  const auto timer = environment_.timers.After(wait, [wake] { wake->Set(true); });
  co_await wake->Wait();
}

Awaitable<void> KeyFetcher::Fetch() {
  const absl::Time begun = environment_.clock.Now();
  const config::v1::Jwks& config = keys_.config();
  const FetchedDocument fetched =
      co_await FetchDocument(client_, RequestOf(config), config.max_bytes(), stop_.get_token());
  const absl::Status status = keys_.Finish(fetched.document);
  const bool bad = fetched.document.ok() && !status.ok();
  metrics_.CountFetch(bad ? kBadDocument : NameOf(fetched.outcome));
  if (!stopping()) Report(status, begun);
  AskAgain();
}

void KeyFetcher::Report(const absl::Status& status, absl::Time begun) {
  if (!status.ok()) {
    if (!std::exchange(failing_, true)) {
      Log(Severity::kWarning, "cannot fetch the keys of an issuer; those at hand hold for max_age",
          {{"issuer", keys_.issuer()}, {"url", keys_.config().url()}, {"error", status.message()}});
    }
    return;
  }
  const auto set = keys_.Current();
  if (set == nullptr) return;
  metrics_.ShowFetched(*set, begun);
  const std::string kids = KidsOf(*set);
  if (!std::exchange(failing_, false) && kids == told_kids_) return;
  told_kids_ = kids;
  Log(Severity::kInfo, "fetched the keys of an issuer",
      {{"issuer", keys_.issuer()}, {"keys", absl::StrCat(set->keys().size())}, {"kids", kids}});
}

void KeyFetcher::AskAgain() {
  std::vector<absl::AnyInvocable<void()>> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
    metrics_.ShowWaiting(0);
  }
  for (auto& again : waiting) boost::asio::post(environment_.io, std::move(again));
}

}  // namespace penstock::gateway
