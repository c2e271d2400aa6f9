#include "tests/contract/answer_check.h"

#include <set>

#include "google/rpc/error_details.pb.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::contract {
namespace {

using google::rpc::BadRequest;
using google::rpc::ErrorInfo;

struct Details {
  explicit Details(const google::rpc::Status& status) {
    for (const auto& detail : status.details()) {
      retries += detail.Is<google::rpc::RetryInfo>() ? 1 : 0;
      infos += detail.UnpackTo(&info) ? 1 : 0;
      bad_requests += detail.UnpackTo(&bad_request) ? 1 : 0;
    }
  }

  ErrorInfo info;
  BadRequest bad_request;
  int infos = 0;
  int bad_requests = 0;
  int retries = 0;
};

class Report {
 public:
  void Compare(absl::string_view what, absl::string_view found, absl::string_view expected) {
    if (found == expected) return;
    lines.push_back(absl::StrCat(what, ": found \"", found, "\", expected \"", expected, "\""));
  }

  std::vector<std::string> lines;
};

std::string KeysThatDiffer(const Reason& reason, const ErrorInfo& info) {
  std::vector<std::string> wrong;
  for (const std::string& key : reason.metadata) {
    if (!info.metadata().contains(key)) wrong.push_back(absl::StrCat("no ", key));
  }
  for (const auto& [key, value] : info.metadata()) {
    const bool known = reason.metadata.contains(key) || reason.may_have.contains(key);
    if (!known) wrong.push_back(absl::StrCat("unexpected ", key));
  }
  return absl::StrJoin(wrong, ", ");
}

void CompareField(const Row& row, const Details& details, Report& report) {
  const auto& metadata = details.info.metadata();
  const auto value = [&metadata](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  report.Compare("metadata field", value("field"), row.at);
  report.Compare("field violations", absl::StrCat(details.bad_request.field_violations_size()),
                 "1");
  if (details.bad_request.field_violations().empty()) return;
  const auto& violation = details.bad_request.field_violations(0);
  report.Compare("BadRequest field", violation.field(), row.at);
  report.Compare("BadRequest description", violation.description(),
                 absl::StrCat("found ", value("found"), ", allowed ", value("allowed")));
}

}  // namespace

std::vector<std::string> Differences(const RefusalTable& table, const Row& row,
                                     const absl::Status& found) {
  Report report;
  const Reason* reason = table.Find(row.answer);
  const std::string code = reason == nullptr ? "OK" : reason->code;
  report.Compare("code", absl::StatusCodeToString(found.code()), code);
  if (reason == nullptr || found.ok()) return report.lines;

  const google::rpc::Status status = ToRpcStatus(found);
  const Details details(status);
  report.Compare("ErrorInfos", absl::StrCat(details.infos), "1");
  report.Compare("reason", details.info.reason(), reason->name);
  report.Compare("domain", details.info.domain(), "penstock");
  report.Compare("metadata", KeysThatDiffer(*reason, details.info), "");
  for (const auto& [key, value] : row.metadata) {
    const auto entry = details.info.metadata().find(key);
    report.Compare(absl::StrCat("metadata ", key),
                   entry == details.info.metadata().end() ? "" : entry->second, value);
  }
  report.Compare("RetryInfos", absl::StrCat(details.retries), reason->retry ? "1" : "0");
  report.Compare("BadRequests", absl::StrCat(details.bad_requests), row.at.empty() ? "0" : "1");
  if (!row.at.empty()) CompareField(row, details, report);
  if (found.message().empty()) report.lines.push_back("there is no message");
  if (status.ByteSizeLong() > kMaxStatusBytes) {
    report.lines.push_back(absl::StrCat("the status has ", status.ByteSizeLong(),
                                        " bytes, expected at most ", kMaxStatusBytes));
  }
  return report.lines;
}

}  // namespace penstock::contract
