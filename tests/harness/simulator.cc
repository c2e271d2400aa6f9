#include "tests/harness/simulator.h"

#include <memory>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <curl/curl.h>

#include "libs/base/status_macros.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::harness {
namespace {

namespace json = boost::json;

constexpr absl::string_view kNotesBegin = "<notes>";
constexpr absl::string_view kNotesEnd = "</notes>";
constexpr int64_t kPage = 1'000;

size_t Append(char* data, size_t, size_t size, void* text) {
  static_cast<std::string*>(text)->append(data, size);
  return size;
}

absl::StatusOr<json::value> ParseObject(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return absl::DataLossError(absl::StrCat("providersim answered no JSON object: ", text));
  }
  return value;
}

int64_t Int(const json::value& object, const char* key) {
  const json::value* value = object.as_object().if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<int64_t>() : 0;
}

std::string Text(const json::value& object, const char* key) {
  const json::value* value = object.as_object().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

// A string, or a list of parts with a text each.
std::string ContentOf(const json::value& holder, const char* key = "content") {
  const json::value* content = holder.as_object().if_contains(key);
  if (content == nullptr || !content->is_array()) return Text(holder, key);
  std::string text;
  for (const json::value& part : content->as_array()) absl::StrAppend(&text, Text(part, "text"));
  return text;
}

void AppendMessage(const json::value& message, std::vector<PromptMessage>& out) {
  const json::value* content = message.as_object().if_contains("content");
  size_t results = 0;
  if (content != nullptr && content->is_array()) {
    for (const json::value& block : content->as_array()) {
      if (Text(block, "type") != "tool_result") continue;
      out.push_back({"tool", ContentOf(block)});
      ++results;
    }
    if (results > 0 && results == content->as_array().size()) return;
  }
  out.push_back({Text(message, "role"), ContentOf(message)});
}

ProviderRequest RequestOf(const json::value& record) {
  ProviderRequest request{.number = Int(record, "number"),
                          .turn = Text(record, "turn"),
                          .start_us = Int(record, "start_us"),
                          .end_us = Int(record, "end_us"),
                          .outcome = Text(record, "outcome"),
                          .tokens_sent = Int(record, "tokens_sent"),
                          .format = Text(record, "format")};
  if (!absl::SimpleAtoi(Text(record, "attempt"), &request.attempt)) request.attempt = 0;
  const json::value& body = record.at("body");
  request.body = json::serialize(body);
  if (!body.is_object() || !body.as_object().contains("messages")) return request;
  if (body.as_object().contains("system")) {
    request.messages.push_back({"system", ContentOf(body, "system")});
  }
  for (const json::value& message : body.at("messages").as_array()) {
    AppendMessage(message, request.messages);
  }
  return request;
}

}  // namespace

SplitNotes Split(absl::string_view message) {
  const auto end = message.find(kNotesEnd);
  if (!absl::StartsWith(message, kNotesBegin) || end == absl::string_view::npos) {
    return {"", std::string(message)};
  }
  const size_t length = end + kNotesEnd.size();
  return {std::string(message.substr(0, length)), std::string(message.substr(length))};
}

Simulator::Simulator(absl::string_view provider_url)
    : control_url_(absl::StrCat(absl::StripSuffix(provider_url, "/v1"), "/_sim")) {}

absl::StatusOr<std::vector<ProviderRequest>> Simulator::Requests(int64_t since) const {
  std::vector<ProviderRequest> requests;
  while (true) {
    PENSTOCK_ASSIGN_OR_RETURN(
        const std::string text,
        Http(absl::StrCat("/requests?since=", since, "&limit=", kPage), nullptr));
    PENSTOCK_ASSIGN_OR_RETURN(const json::value page, ParseObject(text));
    const json::array& records = page.at("requests").as_array();
    for (const json::value& record : records) requests.push_back(RequestOf(record));
    if (records.size() < static_cast<size_t>(kPage)) return requests;
    since = requests.back().number;
  }
}

absl::StatusOr<std::vector<ProviderRequest>> Simulator::RequestsOf(absl::string_view turn) const {
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<ProviderRequest> requests, Requests());
  std::vector<ProviderRequest> of_turn;
  for (ProviderRequest& request : requests) {
    if (absl::EndsWith(turn, absl::StrCat("/", request.turn)))
      of_turn.push_back(std::move(request));
  }
  return of_turn;
}

absl::StatusOr<int64_t> Simulator::LastNumber() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, Http("/requests?limit=1", nullptr));
  PENSTOCK_ASSIGN_OR_RETURN(const json::value page, ParseObject(text));
  return Int(page, "last");
}

absl::StatusOr<int64_t> Simulator::OpenStreams() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, Http("/stats", nullptr));
  PENSTOCK_ASSIGN_OR_RETURN(const json::value stats, ParseObject(text));
  return Int(stats, "open_streams");
}

absl::StatusOr<Served> Simulator::ServedSoFar() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, Http("/stats", nullptr));
  PENSTOCK_ASSIGN_OR_RETURN(const json::value stats, ParseObject(text));
  Served served{.output_tokens = Int(stats, "tokens_sent"),
                .calls = Int(stats, "calls"),
                .rate_limited = Int(stats, "rate_limited")};
  for (const json::value& account : stats.at("charged").as_array()) {
    served.input_tokens += Int(account, "input_tokens");
  }
  return served;
}

absl::Status Simulator::SetOutage(int status) const {
  const std::string body = absl::StrCat("{\"status\": ", status, "}");
  return Http("/outage", &body).status();
}

absl::Status Simulator::ChangeLimitsSilently(double factor) const {
  const std::string body = absl::StrCat("{\"factor\": ", factor, ", \"silent\": true}");
  return Http("/limits", &body).status();
}

absl::Status Simulator::Acknowledge(absl::string_view gate, int count) const {
  const std::string body = absl::StrCat("{\"acknowledged\": ", count, "}");
  return Http(absl::StrCat("/gates/", gate), &body).status();
}

std::string Simulator::GateUrl(absl::string_view gate) const {
  return absl::StrCat(control_url_, "/gates/", gate);
}

absl::StatusOr<std::string> Simulator::Http(const std::string& path,
                                            const std::string* body) const {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  const std::string url = control_url_ + path;
  std::string answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  // It is on loopback, whatever proxy the environment names.
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
  if (body != nullptr) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->c_str());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    return absl::UnavailableError(
        absl::StrCat("providersim, ", url, ": ", curl_easy_strerror(code)));
  }
  int64_t status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status / 100 == 2) return answer;
  return absl::InternalError(absl::StrCat("providersim, ", url, ": status ", status, ": ", answer));
}

}  // namespace penstock::harness
