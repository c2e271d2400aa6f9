#include "libs/host/admin_answer.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

AdminAnswer Readiness(const Health& health) {
  boost::json::array reasons;
  for (const Health::Reason& reason : health.NotReadyBecause()) {
    reasons.push_back({{"service", reason.service}, {"reason", reason.reason}});
  }
  const bool ready = reasons.empty();
  const boost::json::object body = {{"ready", ready}, {"reasons", std::move(reasons)}};
  return {ready ? 200 : 503, "application/json", boost::json::serialize(body) + "\n"};
}

}  // namespace

AdminAnswer AnswerAdmin(absl::string_view method, absl::string_view target,
                        const obs::Metrics& metrics, const Health& health) {
  const absl::string_view path = target.substr(0, target.find('?'));
  if (path != "/metrics" && path != "/healthz" && path != "/readyz") {
    return {.status = 404, .body = "not found; known are /metrics, /healthz and /readyz\n"};
  }
  if (method != "GET" && method != "HEAD") {
    return {.status = 405, .body = absl::StrCat(path, " takes GET and HEAD\n")};
  }
  if (path == "/readyz") return Readiness(health);
  if (path == "/healthz") return {.body = "ok\n"};
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render()};
}

}  // namespace penstock::host
