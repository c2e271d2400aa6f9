// Bytes of an issuer's server against libs/identity/jwk_set.h: what is taken from them is within
// the rules, a bad key never takes a good one with it, and a bad document changes nothing.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "libs/identity/json_object.h"
#include "libs/identity/jwk_set.h"
#include "libs/identity/published_keys.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr int kMaxBytes = 64 * 1024;
constexpr int kMaxKeys = 16;

// The point of RFC 7515, appendix A.3.
constexpr char kGood[] =
    R"({"kty":"EC","crv":"P-256","kid":"good","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

void Require(bool holds) {
  if (!holds) std::abort();
}

// What every set that is taken must be.
void CheckRules(const JwkSet& set) {
  Require(!set.keys().empty() && set.keys().size() <= kMaxKeys);
  std::set<std::string> kids;
  for (const JwtKey& key : set.keys()) {
    Require(key.algorithm() != JwtAlgorithm::kHs256);
    Require(set.keys().size() == 1 || !key.kid().empty());
    Require(kids.insert(key.kid()).second);
    Require(!key.Verify("input", std::string(64, '\x01')));
    Require(key.kid().empty() || FindKey(set.keys(), key.kid()) == &key);
  }
}

// The whole input as a document, behind a good one.
void CheckDocument(const std::string& input) {
  const JwkSetLimits limits = {.max_bytes = kMaxBytes, .max_keys = kMaxKeys};
  const auto set = JwkSet::Parse(input, limits);
  if (set.ok()) CheckRules(**set);

  config::v1::Jwks config;
  config.mutable_max_age()->set_seconds(60);
  config.set_max_bytes(kMaxBytes);
  config.set_max_keys(kMaxKeys);
  config.set_max_waiting_calls(1);
  PublishedKeys keys("i", config);
  Require(keys.Tick(absl::ZeroDuration()));
  Require(keys.Finish(absl::StrCat(R"({"keys":[)", kGood, "]}")).ok());
  const auto before = keys.Current();
  Require(keys.Tick(absl::Seconds(1)));
  Require(keys.Finish(input).ok() == set.ok());
  Require((keys.Current() == before) == !set.ok());
}

// The input as one key beside a good one.
void CheckKey(absl::string_view input) {
  if (!JsonObject::Parse(input)) return;
  const auto set = JwkSet::Parse(absl::StrCat(R"({"keys":[)", input, ",", kGood, "]}"),
                                 {.max_bytes = 2 * kMaxBytes, .max_keys = kMaxKeys});
  if (!set.ok()) {
    // Only a second key of the same name takes it away.
    Require(absl::StrContains(set.status().message(), "duplicate_kid"));
    return;
  }
  CheckRules(**set);
  Require(FindKey((*set)->keys(), "good") != nullptr);
}

}  // namespace
}  // namespace penstock::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > penstock::identity::kMaxBytes) return 0;
  const std::string input(reinterpret_cast<const char*>(data), size);
  penstock::identity::CheckDocument(input);
  penstock::identity::CheckKey(input);
  return 0;
}
