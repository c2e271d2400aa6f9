// Against providers that count by their own laws, over ways of random length: what the limiter
// permits is never refused, and what it holds back is hardly worth having.

#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/base/proto_time.h"
#include "services/dispatcher/limits/rate_limiter.h"
#include "tests/laws/best_client.h"
#include "tests/laws/provider_law.h"

namespace penstock::dispatcher {
namespace {

constexpr double kAllowance = 60'000;
// The limiter learns from answers when the provider's minutes begin: its first guess is right.
constexpr absl::Duration kStart = absl::Minutes(1);

struct Call {
  CallSize size;
  int64_t output_tokens = 0;
  // To the provider, in it, and back.
  absl::Duration way = absl::ZeroDuration();
  absl::Duration service = absl::ZeroDuration();
  absl::Duration back = absl::ZeroDuration();
};

// For RapidCheck.
std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << call.size.input_tokens << "+" << call.size.output_tokens << " takes "
             << call.output_tokens << ", " << call.way << " " << call.service << " " << call.back;
}

laws::Demand DemandOf(const Call& call) {
  const auto output = static_cast<double>(call.size.output_tokens);
  return {.amount = static_cast<double>(call.size.input_tokens) + output, .refundable = output};
}

// Makes all calls in their order, as early as the limiter permits.
class Trial {
 public:
  explicit Trial(const std::string& renewal)
      : law_(laws::LawOf(renewal, kAllowance)), limiter_(ModelOf(renewal), kStart) {}

  void Make(std::vector<Call> calls) {
    calls_ = std::move(calls);
    At(now_, [this] { Permit(); });
    while (!events_.empty()) {
      auto [at, event] = events_.top();
      events_.pop();
      now_ = at.first;
      event();
    }
  }

  int refused() const { return refused_; }
  // Tokens a second of the calls that ended in [from, to] after the start.
  double Rate(absl::Duration from, absl::Duration to) const {
    double taken = 0;
    for (const auto& [end, tokens] : ended_) {
      if (end >= kStart + from && end <= kStart + to) taken += static_cast<double>(tokens);
    }
    return taken / absl::ToDoubleSeconds(to - from);
  }

 private:
  using Event = std::pair<std::pair<absl::Duration, int>, std::function<void()>>;
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.first > b.first; }
  };

  static config::v1::Model ModelOf(const std::string& renewal) {
    config::v1::Model model;
    model.set_concurrency(1'000'000);
    model.mutable_limits()->set_tokens_per_minute(static_cast<int64_t>(kAllowance));
    model.mutable_limits()->set_renewal(renewal);
    return model;
  }

  void At(absl::Duration time, std::function<void()> event) {
    events_.push({{time, order_++}, std::move(event)});
  }

  void Permit() {
    while (next_ < static_cast<int>(calls_.size())) {
      const absl::Duration wait =
          limiter_.Reserve(static_cast<PermitId>(next_), Of(next_).size, now_);
      if (wait == absl::InfiniteDuration()) return;
      if (wait > absl::ZeroDuration()) {
        if (again_ <= now_ || now_ + wait < again_) {
          again_ = now_ + wait;
          At(again_, [this] { Permit(); });
        }
        return;
      }
      const int index = next_++;
      At(now_ + Of(index).way, [this, index] { Arrive(index); });
    }
  }

  const Call& Of(int index) const { return calls_[static_cast<size_t>(index)]; }

  void Arrive(int index) {
    const Call& call = Of(index);
    if (!law_->Admit(index, DemandOf(call), now_)) {
      ++refused_;
      return;
    }
    provider::v1::RateLimits said;
    *said.mutable_tokens()->mutable_reset() = ToProto(law_->Reset(now_));
    At(now_ + call.back,
       [this, index, said] { limiter_.Answered(static_cast<PermitId>(index), said, now_); });
    At(now_ + call.service, [this, index] { End(index); });
  }

  void End(int index) {
    const Call& call = Of(index);
    law_->End(index, static_cast<double>(call.size.output_tokens - call.output_tokens), now_);
    At(now_ + call.back, [this, index] {
      const Call& ended = Of(index);
      chat::v1::Usage usage;
      usage.set_input_tokens(ended.size.input_tokens);
      usage.set_output_tokens(ended.output_tokens);
      limiter_.Settle(static_cast<PermitId>(index), usage, now_);
      ended_.emplace_back(now_, ended.size.input_tokens + ended.output_tokens);
      Permit();
    });
  }

  const std::unique_ptr<laws::ProviderLaw> law_;
  absl::Duration now_ = kStart;
  RateLimiter limiter_;
  std::vector<Call> calls_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  int order_ = 0;
  int next_ = 0;
  // When Permit is called next by itself, unless it is past.
  absl::Duration again_ = absl::ZeroDuration();
  int refused_ = 0;
  std::vector<std::pair<absl::Duration, int64_t>> ended_;
};

rc::Gen<Call> AnyCall() {
  return rc::gen::apply(
      [](int input, int most, int part, int way, int service, int back) {
        return Call{.size = {.input_tokens = input, .output_tokens = most},
                    .output_tokens = most * part / 100,
                    .way = absl::Milliseconds(way),
                    .service = absl::Milliseconds(service),
                    .back = absl::Milliseconds(back)};
      },
      rc::gen::inRange(1, 4000), rc::gen::inRange(1, 16'000), rc::gen::inRange(0, 101),
      rc::gen::inRange(1, 400), rc::gen::inRange(10, 90'000), rc::gen::inRange(1, 400));
}

class QuotaProperty : public testing::TestWithParam<const char*> {};

TEST_P(QuotaProperty, I8_NothingThatIsPermittedIsRefused) {
  const std::string renewal = GetParam();
  EXPECT_TRUE(rc::check([&] {
    const auto calls = *rc::gen::resize(300, rc::gen::container<std::vector<Call>>(AnyCall()));
    Trial trial(renewal);
    trial.Make(calls);
    RC_ASSERT(trial.refused() == 0);
  }));
}

// Answers of a lognormal length, their bound so many times their mean.
std::vector<Call> Shaped(double ratio, absl::Duration service, int n) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> length(std::log(500.0) - 0.32, 0.8);
  std::vector<Call> calls;
  const auto most = static_cast<int64_t>(500 * ratio);
  for (int i = 0; i < n; ++i) {
    const auto output = std::min(most, static_cast<int64_t>(length(random)));
    calls.push_back({.size = {.input_tokens = 500, .output_tokens = most},
                     .output_tokens = output,
                     .way = absl::Milliseconds(20),
                     .service = service * (static_cast<double>(output) / 500),
                     .back = absl::Milliseconds(20)});
  }
  return calls;
}

std::vector<laws::LawCall> AsTheProviderSees(const std::vector<Call>& calls) {
  std::vector<laws::LawCall> seen;
  for (const Call& call : calls) {
    seen.push_back({.demand = DemandOf(call),
                    .taken = static_cast<double>(call.size.input_tokens + call.output_tokens),
                    .service = call.service});
  }
  return seen;
}

TEST_P(QuotaProperty, TakesNearlyAllThatWhoKnowsEverythingCouldTake) {
  constexpr absl::Duration kFrom = absl::Minutes(5);
  constexpr absl::Duration kTo = absl::Minutes(60);
  for (const double ratio : {4.0, 8.0, 16.0}) {
    const auto calls = Shaped(ratio, absl::Seconds(10), 5000);
    Trial ours(GetParam());
    ours.Make(calls);
    const auto law = laws::LawOf(GetParam(), kAllowance);
    const double best = laws::BestRate(*law, AsTheProviderSees(calls), kFrom, kTo);

    EXPECT_EQ(ours.refused(), 0);
    EXPECT_GT(ours.Rate(kFrom, kTo), 0.97 * best) << "bound " << ratio << " times the mean";
    RecordProperty("of_best_percent", static_cast<int>(100 * ours.Rate(kFrom, kTo) / best));
  }
}

INSTANTIATE_TEST_SUITE_P(, QuotaProperty, testing::Values("REFILLED", "SLIDING", "FIXED"),
                         [](const auto& renewal) { return std::string(renewal.param); });

}  // namespace
}  // namespace penstock::dispatcher
