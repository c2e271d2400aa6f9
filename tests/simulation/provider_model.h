// Adapter and provider as the dispatcher sees them: answers of random length, limits by a law, and
// everything that goes wrong with such calls.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "services/dispatcher/turn/peers.h"
#include "tests/laws/provider_law.h"
#include "tests/simulation/life.h"
#include "tests/simulation/witness.h"

namespace penstock::simulation {

// Output tokens of an answer: lognormal, at least 1.
int64_t OutputTokens(Chance& chance, double mean, double most);

struct ProviderPlan {
  // REFILLED, SLIDING or FIXED; empty: no limit but that of calls at a time.
  std::string renewal = {};
  double tokens_per_minute = 60'000;
  // Of the configuration: no more are made at once by one process.
  int64_t concurrency = 8;
  // Output tokens, lognormal, and how long they take.
  double mean_output = 200;
  absl::Duration per_token = absl::Milliseconds(5);
  absl::Duration first_token = absl::Milliseconds(200);
  absl::Duration least_way = absl::Milliseconds(1);
  absl::Duration most_way = absl::Milliseconds(300);
  // Parts of all calls that ask for tools, and that go wrong.
  double asks_for_tools = 0;
  double not_taken = 0;
  double refused = 0;
  double overloaded = 0;
  double hangs = 0;
  double breaks = 0;
};

// One call, as long as either side knows it.
struct ModelCall;

class ProviderModel {
 public:
  ProviderModel(World& world, Witness& witness, const ProviderPlan& plan);

  std::shared_ptr<ModelCall> Make(Life& from, dispatcher::PeerCall call,
                                  provider::v1::GenerateRequest request, bool of_owner);
  // The caller wants no more of it.
  void Close(const std::shared_ptr<ModelCall>& call);
  // Closes all calls of a process that has died.
  void CloseAll(const Life& of);

  // From now on nothing goes wrong.
  void Calm();
  int64_t open_calls() const { return static_cast<int64_t>(open_.size()); }
  // Refused by the law; those that were planned do not count.
  int64_t refused() const { return refused_; }
  // Tokens, input and output, of calls that ended in [from, to].
  double TokensBetween(absl::Duration from, absl::Duration to) const;
  void CountTokens() { counts_tokens_ = true; }
  // Cost of ended calls by tenant, in tokens, output times four.
  std::map<std::string, double>& served() { return served_; }
  // From the way there to the end of the answer, at most.
  absl::Duration longest_answer() const { return longest_answer_; }
  // Of the newest call that was made.
  double last_input_tokens() const { return last_input_tokens_; }

 private:
  using CallPtr = std::shared_ptr<ModelCall>;

  void Arrive(const CallPtr& call);
  void Answer(const CallPtr& call);
  void TellAfter(const CallPtr& call, absl::Duration delay, provider::v1::GenerateEvent event);
  void Break(const CallPtr& call, absl::Duration delay, absl::Status status);
  void Fail(const CallPtr& call, chat::v1::ErrorKind kind, int http_status);
  void Finish(const CallPtr& call, absl::Duration service);
  // Of what was charged, all but `output` comes back.
  void End(const CallPtr& call, double output);
  chat::v1::Message MessageOf(const ModelCall& call);
  absl::Duration Way();

  World& world_;
  Witness& witness_;
  ProviderPlan plan_;
  std::unique_ptr<laws::ProviderLaw> law_;
  int next_call_ = 1;
  // By id.
  std::map<int, CallPtr> open_;
  int64_t refused_ = 0;
  absl::Duration longest_answer_ = absl::ZeroDuration();
  double last_input_tokens_ = 0;
  bool counts_tokens_ = false;
  // By process.
  std::map<const Life*, int64_t> calls_of_;
  std::deque<std::pair<absl::Duration, double>> tokens_;
  std::map<std::string, double> served_;
};

// The model at the end of a process's calls.
class ProviderLink : public dispatcher::ProviderPeer {
 public:
  ProviderLink(Life& life, ProviderModel& model) : life_(life), model_(model) {}

  std::unique_ptr<dispatcher::GenerateStream> Generate(
      dispatcher::PeerCall call, provider::v1::GenerateRequest request) override;
  // Calls of a process that was replaced without noticing are nobody's fault.
  void Disown() { of_owner_ = false; }

 private:
  Life& life_;
  ProviderModel& model_;
  bool of_owner_ = true;
};

}  // namespace penstock::simulation
