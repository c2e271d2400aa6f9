#include "libs/identity/jwk_set.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "libs/base/failpoint.h"
#include "libs/base/status_macros.h"
#include "libs/identity/json_object.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::identity {
namespace {

namespace json = boost::json;

absl::Status NoKeySet(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("key set: ", problem));
}

// The document's JSON. The first parser finds members that stand twice, the second keeps the
// values.
absl::StatusOr<json::value> ParseDocument(absl::string_view document) {
  if (!JsonObject::Parse(document)) return NoKeySet("is not a JSON object with each member once");
  json::error_code error;
  json::value value = json::parse(json::string_view(document.data(), document.size()), error);
  if (error) return NoKeySet(absl::StrCat("cannot be read: ", error.message()));
  return value;
}

absl::StatusOr<const json::array*> KeysOf(const json::value& document) {
  const json::value* keys = document.get_object().if_contains("keys");
  if (keys == nullptr || !keys->is_array()) return NoKeySet("has no array `keys`");
  const json::array& array = keys->get_array();
  if (!std::all_of(array.begin(), array.end(),
                   [](const json::value& v) { return v.is_object(); })) {
    return NoKeySet("`keys` has an element that is no object");
  }
  return &array;
}

std::string Describe(const std::map<JwkFlaw, int>& left_out) {
  return absl::StrJoin(left_out, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.second, " ", NameOf(entry.first));
  });
}

}  // namespace

const JwtKey* FindKey(const std::vector<JwtKey>& keys, const std::optional<std::string>& kid) {
  if (!kid) return keys.size() == 1 ? &keys.front() : nullptr;
  if (kid->empty()) return nullptr;
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&kid](const JwtKey& key) { return key.kid() == *kid; });
  return found == keys.end() ? nullptr : &*found;
}

template <class Unfit>
void JwkSet::LeaveOut(JwkFlaw flaw, Unfit unfit) {
  std::vector<JwtKey> fit;
  for (JwtKey& key : keys_) {
    if (unfit(key.kid())) {
      ++left_out_[flaw];
    } else {
      fit.push_back(std::move(key));
    }
  }
  keys_ = std::move(fit);
}

absl::StatusOr<std::shared_ptr<const JwkSet>> JwkSet::Parse(absl::string_view document,
                                                            const JwkSetLimits& limits) {
  if (document.size() > static_cast<size_t>(limits.max_bytes)) {
    return NoKeySet(absl::StrCat("found ", document.size(), " bytes, allowed at most ",
                                 limits.max_bytes, " (jwks.max_bytes)"));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const json::value parsed, ParseDocument(document));
  PENSTOCK_ASSIGN_OR_RETURN(const json::array* jwks, KeysOf(parsed));
  if (jwks->size() > static_cast<size_t>(limits.max_keys)) {
    return NoKeySet(absl::StrCat("found ", jwks->size(), " keys, allowed at most ", limits.max_keys,
                                 " (jwks.max_keys)"));
  }
  std::shared_ptr<JwkSet> set(new JwkSet);
  std::map<std::string, int, std::less<>> uses;
  for (const json::value& jwk : *jwks) {
    auto read = ReadJwk(jwk.get_object());
    if (const auto* flaw = std::get_if<JwkFlaw>(&read)) {
      ++set->left_out_[*flaw];
      continue;
    }
    ++uses[std::get<JwtKey>(read).kid()];
    set->keys_.push_back(std::get<JwtKey>(std::move(read)));
  }
  // A `kid` that names two keys names none: which of them is meant would be the reader's choice.
  set->LeaveOut(JwkFlaw::kDuplicateKid,
                [&uses](const std::string& kid) { return !kid.empty() && uses[kid] > 1; });
  if (set->keys_.size() > 1 && !PENSTOCK_PLANTED_BUG("planted.nameless_key_kept")) {
    set->LeaveOut(JwkFlaw::kNoKid, [](const std::string& kid) { return kid.empty(); });
  }
  if (set->keys_.empty()) {
    return NoKeySet(absl::StrCat("found no key to use among ", jwks->size(), " (",
                                 Describe(set->left_out_), ")"));
  }
  return set;
}

}  // namespace penstock::identity
