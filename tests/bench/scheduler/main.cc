// How many turns a second the fair scheduler decides, and what a queued one takes in memory;
// README.md says what is measured.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/dispatcher/queue/fair_scheduler.h"

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(int, rounds, 5, "measurements of each shape; the median is told");
ABSL_FLAG(int, decisions, 200'000, "decisions of one measurement");
ABSL_FLAG(int, warm_up, 1'000'000, "decisions before the first one");
ABSL_FLAG(bool, positions, true, "ask for the position of each turn that joins");
ABSL_FLAG(int, shape, -1, "only the shape of this number, from 0; -1: all");

namespace penstock::bench {
namespace {

using chat::v1::TurnClass;
using dispatcher::EntryId;
using dispatcher::FairScheduler;
using dispatcher::FairSchedulerOptions;

constexpr size_t kInFlight = 64;
constexpr size_t kWindow = 64;
// Named turns whose context is being prepared.
constexpr size_t kPreparing = 16;
constexpr absl::Duration kBetweenSettlements = absl::Milliseconds(5);
// What settlements come to at that pace.
const double kCallsPerSecond = 1 / absl::ToDoubleSeconds(kBetweenSettlements);

struct Shape {
  const char* name;
  uint32_t tenants;
  uint32_t users_of_tenant;
  uint32_t turns_of_user;
  // A user comes again as soon as its turn has ended; else any user comes, of whom half wait.
  bool comes_again;
};

constexpr Shape kShapes[] = {
    {"1,000 tenants x 1,000 users", 1'000, 1'000, 1, true},
    {"1 tenant x 1,000,000 users", 1, 1'000'000, 1, true},
    {"10,000 tenants x 100 users", 10'000, 100, 1, true},
    {"10 tenants x 100 users x 1,000 turns", 10, 100, 1'000, true},
    {"1,000 tenants x 2,000 users, who come and go", 1'000, 2'000, 1, false},
};

FairSchedulerOptions EveryRule() {
  FairSchedulerOptions options;
  options.shares.classes[chat::v1::CLASS_PAID].cap = 0.4;
  options.shares.classes[chat::v1::CLASS_FREE] = {.floor = 0.2, .cap = 0.4};
  options.shares.classes[chat::v1::CLASS_BATCH].floor = 0.05;
  for (int tenant = 0; tenant < 100; ++tenant) {
    options.shares.weights[absl::StrCat("tenant-", tenant)] = 1 + tenant % 3;
  }
  return options;
}

// Turns go round through a scheduler as an arbiter of kInFlight permits would have them go.
class Line {
 public:
  explicit Line(const Shape& shape)
      : shape_(shape), users_(shape.tenants * shape.users_of_tenant), scheduler_(EveryRule()) {
    for (uint32_t tenant = 0; tenant < shape.tenants; ++tenant) {
      tenants_.push_back(absl::StrCat("tenant-", tenant));
    }
  }

  void Fill() {
    std::vector<uint32_t> users(users_);
    for (uint32_t user = 0; user < users_; ++user) users[user] = user;
    for (uint32_t turn = 0; turn < shape_.turns_of_user; ++turn) {
      std::shuffle(users.begin(), users.end(), random_);
      if (!shape_.comes_again) users.resize(users_ / 2);
      for (const uint32_t user : users) Join(user);
    }
  }

  void Decide(int decisions) {
    for (int i = 0; i < decisions; ++i) {
      while (running_.empty()) Advance();
      const EntryId ended = running_.front();
      running_.pop_front();
      Settle(ended);
      Join(shape_.comes_again ? UserOf(ended) : static_cast<uint32_t>(random_() % users_));
      while (preparing_.size() > kPreparing) Prepared();
    }
  }

  size_t waiting() const { return scheduler_.waiting(); }
  size_t flows() const { return scheduler_.flows(); }
  int64_t checksum() const { return checksum_; }

 private:
  // An id also says whose turn it is.
  EntryId NewId(uint32_t user) { return (++last_ << 32) | user; }
  static uint32_t UserOf(EntryId id) { return static_cast<uint32_t>(id); }

  void Join(uint32_t user) {
    dispatcher::WaitingEntry entry;
    entry.id = NewId(user);
    entry.turn_class = static_cast<TurnClass>(chat::v1::CLASS_PAID + user % 3);
    entry.tenant = tenants_[user / shape_.users_of_tenant];
    entry.user = user * 0x9E3779B97F4A7C15U;
    entry.seq = static_cast<int64_t>(last_);
    entry.estimated_tokens = 500;
    if (absl::GetFlag(FLAGS_positions)) checksum_ += scheduler_.PositionOfNext(entry);
    scheduler_.Enqueue(entry, now_);
    NameWindow();
  }

  // Nothing is under way: the next turn is prepared, or a cap ends.
  void Advance() {
    if (!preparing_.empty()) return Prepared();
    now_ += std::max(kBetweenSettlements, scheduler_.TimeToPick(now_));
    Pump();
  }

  void Prepared() {
    const EntryId id = preparing_.front();
    preparing_.pop_front();
    scheduler_.MarkReady(id, 200 + static_cast<int64_t>(random_() % 800), 600);
    Pump();
  }

  void Settle(EntryId id) {
    now_ += kBetweenSettlements;
    usage_.set_input_tokens(200 + static_cast<int64_t>(random_() % 800));
    usage_.set_output_tokens(static_cast<int64_t>(random_() % 600));
    scheduler_.Settle(id, usage_, now_);
    scheduler_.SetCallRate(kCallsPerSecond);
    Pump();
  }

  void Pump() {
    while (const auto id = scheduler_.Pick(now_)) {
      if (running_.size() == kInFlight) break;
      scheduler_.Start(*id, now_);
      running_.push_back(*id);
      checksum_ += UserOf(*id);
    }
    NameWindow();
  }

  void NameWindow() {
    for (const EntryId id : scheduler_.Window(kWindow)) preparing_.push_back(id);
  }

  const Shape shape_;
  const uint32_t users_;
  FairScheduler scheduler_;
  std::vector<std::string> tenants_;
  std::mt19937_64 random_{7};
  absl::Duration now_ = absl::Seconds(1000);
  std::deque<EntryId> preparing_;
  std::deque<EntryId> running_;
  chat::v1::Usage usage_;
  EntryId last_ = 0;
  // Of what was decided: two builds that decide alike have the same.
  int64_t checksum_ = 0;
};

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void Measure(const Shape& shape) {
  const double before = ResidentBytes();
  Line line(shape);
  double cpu = CpuSeconds();
  line.Fill();
  const auto turns = static_cast<double>(line.waiting());
  const double fill = (CpuSeconds() - cpu) / turns;
  const double bytes = (ResidentBytes() - before) / turns;
  line.Decide(absl::GetFlag(FLAGS_warm_up));
  const double bytes_later = (ResidentBytes() - before) / turns;
  const int decisions = absl::GetFlag(FLAGS_decisions);
  std::vector<double> rates;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    cpu = CpuSeconds();
    line.Decide(decisions);
    rates.push_back(decisions / (CpuSeconds() - cpu));
  }
  std::sort(rates.begin(), rates.end());
  std::printf(
      "%-46s %8.0f decisions/s (%.0f to %.0f), %.2f us to join, %4.0f bytes a turn, %4.0f later, "
      "%zu flows, checksum %lld\n",
      shape.name, rates[rates.size() / 2], rates.front(), rates.back(), fill * 1e6, bytes,
      bytes_later, line.flows(), static_cast<long long>(line.checksum()));
  std::fflush(stdout);
}

// In a process of its own, so that its memory is its own.
void MeasureApart(const Shape& shape) {
  const pid_t child = ::fork();
  if (child == 0) {
    Measure(shape);
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) std::abort();
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const int only = absl::GetFlag(FLAGS_shape);
  for (int i = 0; i < static_cast<int>(std::size(penstock::bench::kShapes)); ++i) {
    if (only < 0 || only == i) penstock::bench::MeasureApart(penstock::bench::kShapes[i]);
  }
}
