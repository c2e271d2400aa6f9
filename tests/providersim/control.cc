#include "tests/providersim/control.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>

#include "tests/providersim/substitute.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {
namespace {

ApiError InvalidUrl(absl::string_view method, absl::string_view path) {
  return {.status = 404, .message = absl::StrCat("Invalid URL (", method, " ", path, ")")};
}

// The number of `name` in "a=1&b=2"; `otherwise` when it is not there or no number.
uint64_t QueryNumber(absl::string_view query, absl::string_view name, uint64_t otherwise) {
  for (absl::string_view pair : absl::StrSplit(query, '&')) {
    uint64_t number = 0;
    if (absl::ConsumePrefix(&pair, name) && absl::ConsumePrefix(&pair, "=") &&
        absl::SimpleAtoi(pair, &number)) {
      return number;
    }
  }
  return otherwise;
}

// Null when `body` is no object or has no such field.
boost::json::value FieldOf(absl::string_view body, boost::json::string_view name) {
  boost::json::error_code failed;
  const boost::json::value document =
      boost::json::parse(boost::json::string_view(body.data(), body.size()), failed);
  const boost::json::object* object = failed ? nullptr : document.if_object();
  const boost::json::value* field = object == nullptr ? nullptr : object->if_contains(name);
  return field == nullptr ? boost::json::value() : *field;
}

}  // namespace

HttpAnswer Control::Answer(absl::string_view method, absl::string_view target,
                           absl::string_view body, const WireFormat& format,
                           absl::string_view request_id) {
  Served served = Serve(method, target, body, format);
  if (served.refused) return ErrorAnswer(format, *served.refused, request_id);
  return {.body = std::move(served.body),
          .headers = format.Headers(request_id, std::chrono::milliseconds(0))};
}

Control::Served Control::Serve(absl::string_view method, absl::string_view target,
                               absl::string_view body, const WireFormat& format) {
  const size_t mark = target.find('?');
  const absl::string_view path = target.substr(0, mark);
  const absl::string_view query =
      mark == absl::string_view::npos ? absl::string_view() : target.substr(mark + 1);
  if (path == "/v1/chat/completions" || path == "/v1/messages" ||
      path == "/v1/messages/count_tokens") {
    return {.refused = ApiError{.status = 405,
                                .message = absl::StrCat("Not allowed to ", method, " on ", path,
                                                        ". (HINT: Perhaps you meant to use a "
                                                        "different HTTP method?)"),
                                .code = "method_not_supported"}};
  }
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "/_sim/")) return Sim(method, rest, query, body);
  if (method == "GET" && absl::ConsumePrefix(&rest, "/v1/models")) return Models(rest, format);
  return {.refused = InvalidUrl(method, path)};
}

Control::Served Control::Sim(absl::string_view method, absl::string_view path,
                             absl::string_view query, absl::string_view body) {
  if (path == "requests" && method == "GET") {
    const uint64_t limit = std::min<uint64_t>(QueryNumber(query, "limit", 100), 10'000);
    return {.body = log_.RequestsJson(QueryNumber(query, "since", 0), limit)};
  }
  if (path == "requests" && method == "DELETE") {
    log_.Forget();
    return {.body = "{}\n"};
  }
  if (path == "stats" && method == "GET") {
    return {.body = absl::StrCat("{", log_.StatsFields(), ",", limits_.StatsFields(), "}\n")};
  }
  if (path == "limits" && method == "POST") return Limits(body);
  if (path == "outage" && method == "POST") return SetOutage(body);
  if (absl::ConsumePrefix(&path, "gates/") && !path.empty()) return Gate(method, path, body);
  return {.refused = InvalidUrl(method, absl::StrCat("/_sim/", path))};
}

Control::Served Control::Gate(absl::string_view method, absl::string_view id,
                              absl::string_view body) {
  if (method == "POST") {
    const boost::json::value count = FieldOf(body, "acknowledged");
    if (!count.is_int64()) {
      return {.refused =
                  ApiError{.message = "expected {\"acknowledged\": N}", .param = "acknowledged"}};
    }
    gates_.Acknowledge(id, static_cast<int>(std::clamp<int64_t>(count.get_int64(), 0, INT32_MAX)));
  } else if (method != "GET") {
    return {.refused = InvalidUrl(method, absl::StrCat("/_sim/gates/", id))};
  }
  return {.body = gates_.Json(id)};
}

Control::Served Control::Limits(absl::string_view body) {
  const boost::json::value given = FieldOf(body, "factor");
  const boost::json::value silent = FieldOf(body, "silent");
  const double factor = given.is_number() ? given.to_number<double>() : 0;
  if (!(factor > 0 && factor <= 10) || !(silent.is_null() || silent.is_bool())) {
    return {.refused = ApiError{.message = "expected {\"factor\": F, \"silent\": true or false} "
                                           "with F above 0 and at most 10",
                                .param = "factor"}};
  }
  if (!limits_.any()) {
    return {.refused = ApiError{.message = "no limit was set: see --tokens-per-minute",
                                .param = "factor"}};
  }
  limits_.Scale(factor, silent.is_bool() && silent.get_bool());
  return {.body = "{}\n"};
}

Control::Served Control::SetOutage(absl::string_view body) {
  const boost::json::value reset = FieldOf(body, "reset");
  const boost::json::value given = FieldOf(body, "status");
  if (reset.is_bool() && reset.get_bool() && given.is_null()) {
    outage_.Reset();
    return {.body = "{}\n"};
  }
  const int64_t status = given.is_int64() ? given.get_int64() : -1;
  if (!reset.is_null() || (status != 0 && (status < 400 || status > 599))) {
    return {.refused =
                ApiError{.message = "expected {\"status\": 0 or 400 to 599} or {\"reset\": true}",
                         .param = "status"}};
  }
  outage_.Answer(static_cast<int>(status));
  return {.body = "{}\n"};
}

Control::Served Control::Models(absl::string_view path, const WireFormat& format) const {
  std::vector<std::string> models = options_.models;
  if (models.empty()) models.push_back("sim");
  if (path.empty()) return {.body = format.ModelListBody(models)};
  absl::ConsumePrefix(&path, "/");
  const bool known =
      options_.models.empty() || std::find(models.begin(), models.end(), path) != models.end();
  if (known) return {.body = format.ModelBody(path) + "\n"};
  return {.refused = format.UnknownModel(path)};
}

}  // namespace penstock::providersim
