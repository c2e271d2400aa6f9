#include "tests/providersim/control.h"

#include <algorithm>

#include <boost/json/parse.hpp>

#include "tests/providersim/json_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {
namespace {

HttpAnswer InvalidUrl(absl::string_view method, absl::string_view path) {
  return ErrorAnswer(
      {.status = 404, .message = absl::StrCat("Invalid URL (", method, " ", path, ")")});
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

std::string ModelJson(absl::string_view model) {
  return absl::StrCat("{\"id\":", JsonString(model),
                      ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"providersim\"}");
}

}  // namespace

HttpAnswer ErrorAnswer(const ApiError& error) {
  return HttpAnswer{.status = error.status, .body = RenderError(error)};
}

HttpAnswer Control::Answer(absl::string_view method, absl::string_view target,
                           absl::string_view body) {
  const size_t mark = target.find('?');
  const absl::string_view path = target.substr(0, mark);
  const absl::string_view query =
      mark == absl::string_view::npos ? absl::string_view() : target.substr(mark + 1);
  if (path == "/v1/chat/completions") {
    return ErrorAnswer({.status = 405,
                        .message = absl::StrCat("Not allowed to ", method, " on ", path,
                                                ". (HINT: Perhaps you meant to use a different "
                                                "HTTP method?)"),
                        .code = "method_not_supported"});
  }
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "/_sim/")) return Sim(method, rest, query, body);
  if (method == "GET" && absl::ConsumePrefix(&rest, "/v1/models")) return Models(rest);
  return InvalidUrl(method, path);
}

HttpAnswer Control::Sim(absl::string_view method, absl::string_view path, absl::string_view query,
                        absl::string_view body) {
  if (path == "requests" && method == "GET") {
    const uint64_t limit = std::min<uint64_t>(QueryNumber(query, "limit", 100), 10'000);
    return {.body = log_.RequestsJson(QueryNumber(query, "since", 0), limit)};
  }
  if (path == "requests" && method == "DELETE") {
    log_.Forget();
    return {.body = "{}\n"};
  }
  if (path == "stats" && method == "GET") return {.body = log_.StatsJson()};
  if (absl::ConsumePrefix(&path, "gates/") && !path.empty()) return Gate(method, path, body);
  return InvalidUrl(method, absl::StrCat("/_sim/", path));
}

HttpAnswer Control::Gate(absl::string_view method, absl::string_view id, absl::string_view body) {
  if (method == "POST") {
    boost::json::error_code failed;
    const boost::json::value document =
        boost::json::parse(boost::json::string_view(body.data(), body.size()), failed);
    const boost::json::object* object = failed ? nullptr : document.if_object();
    const boost::json::value* count =
        object == nullptr ? nullptr : object->if_contains("acknowledged");
    if (count == nullptr || !count->is_int64()) {
      return ErrorAnswer({.message = "expected {\"acknowledged\": N}", .param = "acknowledged"});
    }
    gates_.Acknowledge(id, static_cast<int>(std::clamp<int64_t>(count->get_int64(), 0, INT32_MAX)));
  } else if (method != "GET") {
    return InvalidUrl(method, absl::StrCat("/_sim/gates/", id));
  }
  return {.body = gates_.Json(id)};
}

HttpAnswer Control::Models(absl::string_view path) const {
  std::vector<std::string> models = options_.models;
  if (models.empty()) models.push_back("sim");
  if (path.empty()) {
    std::string list;
    for (const std::string& model : models) {
      absl::StrAppend(&list, list.empty() ? "" : ",", ModelJson(model));
    }
    return {.body = absl::StrCat("{\"object\":\"list\",\"data\":[", list, "]}\n"),
            .retry_after = {}};
  }
  absl::ConsumePrefix(&path, "/");
  const bool known =
      options_.models.empty() || std::find(models.begin(), models.end(), path) != models.end();
  if (known) return {.body = ModelJson(path) + "\n"};
  return ErrorAnswer({.status = 404,
                      .message = absl::StrCat("The model '", path, "' does not exist"),
                      .param = "model",
                      .code = "model_not_found"});
}

}  // namespace penstock::providersim
