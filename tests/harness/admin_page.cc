#include "tests/harness/admin_page.h"

#include <fstream>
#include <memory>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <curl/curl.h>

#include "libs/base/status_macros.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

size_t Append(char* data, size_t, size_t size, void* text) {
  static_cast<std::string*>(text)->append(data, size);
  return size;
}

absl::StatusOr<std::string> AddressIn(const std::string& output_file) {
  std::ifstream file(output_file);
  std::string address;
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "{\"ready\":")) continue;
    boost::system::error_code error;
    const boost::json::value ready = boost::json::parse(line, error);
    const auto* admin =
        error || !ready.is_object() ? nullptr : ready.as_object().if_contains("admin");
    if (admin != nullptr && admin->is_string()) address = std::string(admin->as_string());
  }
  if (!address.empty()) return address;
  return absl::NotFoundError(absl::StrCat(output_file, ": no ready line with an admin address"));
}

}  // namespace

absl::StatusOr<std::string> AdminPage(const std::string& folder, absl::string_view name,
                                      absl::string_view path) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string address,
                            AddressIn(absl::StrCat(folder, "/", name, ".out")));
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  const std::string url = absl::StrCat("http://", address, path);
  std::string page;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &page);
  const CURLcode code = curl_easy_perform(curl.get());
  int64_t status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && status == 200) return page;
  return absl::UnavailableError(
      absl::StrCat(url, ": ", curl_easy_strerror(code), ", status ", status));
}

}  // namespace penstock::harness
