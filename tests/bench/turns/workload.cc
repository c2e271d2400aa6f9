#include "tests/bench/turns/workload.h"

#include <random>
#include <utility>

#include <boost/json.hpp>

#include "libs/base/clock.h"
#include "libs/base/status_macros.h"
#include "libs/identity/jwt_signer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace penstock::bench {
namespace {

constexpr int kMemoryBytes = 100;

// Words follow Zipf's law roughly: the square of an even draw.
std::string Words(uint64_t seed, int bytes) {
  static constexpr absl::string_view kSyllables[10] = {"ba", "de", "fi", "go", "ku",
                                                       "la", "me", "ni", "po", "ru"};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> even(0, 1);
  std::string text;
  while (text.size() < static_cast<size_t>(bytes)) {
    const double drawn = even(random);
    const int word = static_cast<int>(drawn * drawn * 1000);
    absl::StrAppend(&text, text.empty() ? "" : " ", kSyllables[word / 100],
                    kSyllables[word / 10 % 10], kSyllables[word % 10]);
  }
  text.resize(static_cast<size_t>(bytes));
  return text;
}

boost::json::object Message(absl::string_view role, absl::string_view text) {
  return {{"role", std::string(role)}, {"content", std::string(text)}};
}

}  // namespace

absl::StatusOr<Workload> Workload::Create(WorkloadOptions options) {
  Workload workload(std::move(options));
  PENSTOCK_ASSIGN_OR_RETURN(const auto signer,
                            identity::JwtSigner::Create(workload.options_.algorithm,
                                                        workload.options_.private_key, "bench"));
  const absl::Time now = SystemClock().Now();
  for (int user = 0; user < workload.options_.users; ++user) {
    workload.authorizations_.push_back(
        absl::StrCat("Bearer ", signer.Sign({.issuer = "bench",
                                             .audience = "penstock",
                                             .subject = absl::StrCat("user-", user),
                                             .tenant = "bench",
                                             .tier = "paid",
                                             .issued_at = now,
                                             .expires = now + absl::Hours(24)})));
  }
  return workload;
}

int Workload::UserOf(int64_t turn) const { return static_cast<int>(turn % options_.users); }

std::string Workload::SessionOf(int64_t turn) const {
  return SessionName(static_cast<int>(turn / options_.users % options_.sessions));
}

std::string Workload::SessionName(int session) { return absl::StrCat("sessions/bench-", session); }

const std::string& Workload::Authorization(int user) const {
  return authorizations_[static_cast<size_t>(user)];
}

std::string Workload::InputOf(int64_t turn) const {
  return absl::StrCat(Words(static_cast<uint64_t>(turn), options_.input_bytes),
                      options_.directives.empty() ? "" : "\n", options_.directives);
}

std::string Workload::MemoryOf(int user, int memory) const {
  return Words(1'000'000'007ULL * static_cast<uint64_t>(user + 1) + static_cast<uint64_t>(memory),
               kMemoryBytes);
}

std::string Workload::ProviderRequest(int history) const {
  std::string answer;
  for (int token = 1; token <= 50; ++token) {
    absl::StrAppend(&answer, token == 1 ? "" : " ", "t", token);
  }
  boost::json::array messages;
  messages.push_back(Message("system", "You are a helpful assistant."));
  for (int turn = 0; turn < history; ++turn) {
    messages.push_back(Message("user", Words(static_cast<uint64_t>(turn), options_.input_bytes)));
    messages.push_back(Message("assistant", answer));
  }
  std::string notes = "<notes>\n";
  for (int memory = 0; memory < 15; ++memory) {
    absl::StrAppend(&notes, "- ", MemoryOf(0, memory), "\n");
  }
  messages.push_back(Message("user", absl::StrCat(notes, "</notes>\n", InputOf(history))));
  return boost::json::serialize(boost::json::object{
      {"model", "bench"},
      {"messages", std::move(messages)},
      {"stream", true},
      {"stream_options", boost::json::object{{"include_usage", true}}},
  });
}

}  // namespace penstock::bench
