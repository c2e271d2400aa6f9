// Nobody is told anything of anybody else, and no secret of the installation is told anybody: many
// users with canaries call every public RPC of five processes over mutual TLS, with names of their
// own and of others, with deadlines that strike anywhere, leaving streams in the middle, while
// every process is killed in turn. Providers of both protocols have keys, of the environment and of
// a file. Then answers, errors, prompts, logs, metrics and all that is stored are searched. Traces
// are exported nowhere: of a trace there are the ids in log lines and in the journal, which are
// among what is searched.
//
// Small: 50 users, 1,000 calls, every process killed once. PENSTOCK_SCALE=full: 1,000 users, 50,000
// calls, ten times.

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/mutex.h"
#include "libs/base/refusal.h"
#include "libs/identity/grant.h"
#include "libs/identity/grant_key.h"
#include "tests/e2e/public_calls.h"
#include "tests/harness/admin_page.h"
#include "tests/harness/canary.h"
#include "tests/harness/certificates.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/secret_search.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using testing::Each;
using testing::IsEmpty;

constexpr char kProviderKey[] = "sk-test-7d03b1e88c5f4a2960";
// 32 bytes each, in base64, as they stand in the configuration.
constexpr char kGrantRoot[] = "Z3JhbnQtcm9vdC1vZi10aGUtcHJpdmFjeS10ZXN0ISE=";
constexpr char kTokenSecret[] = "dG9rZW4tc2VjcmV0LW9mLXRoZS1wcml2YWN5LXRlc3Q=";
const char* const kProcesses[] = {"gateway", "dispatcher", "session_state", "memory_recall",
                                  "provider_adapter"};
constexpr int kWorkers = 8;
// Of calls that are not cut short.
constexpr absl::Duration kPatience = absl::Seconds(20);

bool Failed() { return testing::Test::HasFailure(); }

struct Scale {
  int users;
  int calls;
  int kills_of_each;
};

Scale ChosenScale() { return IsFullSize() ? Scale{1'000, 50'000, 10} : Scale{50, 1'000, 1}; }

struct Resident {
  std::string canary;
  std::unique_ptr<Caller> caller;
  std::string token;
};

// What a user has, as far as it is known. Thread-safe.
class Belongings {
 public:
  explicit Belongings(size_t users) : turns_(users), memories_(users) {}

  void Add(size_t user, const CallAnswer& answer) {
    MutexLock lock(mutex_);
    if (!answer.turn.empty()) turns_[user] = answer.turn;
    if (!answer.memory.empty()) memories_[user] = answer.memory;
  }
  CallNames Of(size_t user) const {
    MutexLock lock(mutex_);
    return {.session = "", .turn = turns_[user], .memory = memories_[user]};
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> turns_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> memories_ ABSL_GUARDED_BY(mutex_);
};

class PrivacyTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string key_file = certificates_.folder() + "/provider_key";
    std::ofstream(key_file) << kProviderKey << "\n";
    auto mesh = Mesh::Start(
        {.shape = Shape::kFiveProcesses,
         .settings = {{"identity.grant_root", kGrantRoot},
                      {"identity.issuers.0.keys.0.secret", kTokenSecret},
                      {"providers.0.api_key_env", "PENSTOCK_TEST_KEY"},
                      {"providers.1.protocol", "anthropic"},
                      {"providers.1.api_key_file", key_file},
                      {"models.0.fallbacks", "[{model: second/echo}]"},
                      {"models.0.breaker", "{open: 50ms, max_open: 100ms}"},
                      {"models.1", "{name: second/echo, context_window_tokens: 32000}"},
                      {"process.log_severity", "DEBUG"}},
         .settings_of = certificates_.settings(),
         .accounts = {"second"},
         .simulator_flags = {absl::StrCat("--api-key=", kProviderKey), "--record-limit=200000"},
         .environment = {absl::StrCat("PENSTOCK_TEST_KEY=", kProviderKey)},
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    const auto channel = certificates_.Connect(mesh_->gateway_address(), "client", "gateway");
    for (int i = 0; i < scale_.users; ++i) {
      // Near-equal names.
      const TokenUser user{.user = absl::StrCat("u", std::string(1 + i % 7, '1'), "-", i / 7)};
      std::string token = mesh_->tokens().For(user);
      users_.push_back({.canary = CanaryOf(user.user),
                        .caller = std::make_unique<Caller>(channel, token),
                        .token = std::move(token)});
    }
    belongings_ = std::make_unique<Belongings>(users_.size());
    KnowSecrets();
  }

  void KnowSecrets() {
    secrets_.Add("provider key", kProviderKey);
    std::string root;
    std::string token_secret;
    ASSERT_TRUE(absl::Base64Unescape(kGrantRoot, &root));
    ASSERT_TRUE(absl::Base64Unescape(kTokenSecret, &token_secret));
    secrets_.Add("grant root", root);
    secrets_.Add("token secret", token_secret);
    for (const absl::string_view audience :
         {identity::kDispatcherAudience, identity::kSessionStateAudience,
          identity::kMemoryRecallAudience, identity::kProviderAdapterAudience}) {
      secrets_.Add(absl::StrCat("grant key of ", audience),
                   identity::DeriveGrantKey(root, audience));
    }
    for (const char* name : kProcesses) KnowPrivateKey(absl::StrReplaceAll(name, {{"_", "-"}}));
    // Every token begins with the same header; of a few, the signature too.
    secrets_.Add("token", users_[0].token.substr(0, users_[0].token.find('.')));
    for (size_t i = 0; i < 5; ++i) {
      secrets_.Add("signature", users_[i].token.substr(users_[i].token.rfind('.') + 1));
    }
  }

  // Of the certificate NAME: the lines of its PEM.
  void KnowPrivateKey(const std::string& name) {
    const std::string pem = ContentsOf(absl::StrCat(certificates_.folder(), "/", name, ".key"));
    int lines = 0;
    for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
      if (line.size() < 16 || line.front() == '-') continue;
      secrets_.Add(absl::StrCat("private key of ", name), line);
      ++lines;
    }
    EXPECT_GT(lines, 1) << name;
  }
  static std::string ContentsOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  Speaker SpeakerOf(size_t user, absl::Duration timeout = kPatience, int events = 1'000) {
    return {.caller = *users_[user].caller,
            .canary = users_[user].canary,
            .timeout = timeout,
            .events = events,
            .unique = absl::StrCat("n", ++unique_)};
  }

  // A turn and a memory of everybody, and a session that only they have.
  void Settle() {
    std::atomic<size_t> next = 0;
    InThreads([&](unsigned) {
      for (size_t user = next++; user < users_.size(); user = next++) {
        CallNames names;
        for (const std::string& session : {std::string("sessions/s0"), OnlySession(user)}) {
          names.session = session;
          const CallAnswer said = PublicCalls().at("RunTurn").make(SpeakerOf(user), names);
          EXPECT_TRUE(said.status.ok()) << said.status;
          belongings_->Add(user, said);
        }
        belongings_->Add(user, PublicCalls().at("CreateMemory").make(SpeakerOf(user), names));
      }
    });
  }
  static std::string OnlySession(size_t user) { return absl::StrCat("sessions/only-", user); }

  template <class Work>
  static void InThreads(const Work& work) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kWorkers; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
  }

  // One call of anybody with names of anybody, cut short or not. False when nobody was there to
  // answer it.
  bool CallOnce(std::mt19937& random) {
    const auto below = [&](size_t n) {
      return std::uniform_int_distribution<size_t>(0, n - 1)(random);
    };
    const size_t asker = below(users_.size());
    const size_t owner = below(2) == 0 ? asker : below(users_.size());
    auto call = PublicCalls().begin();
    std::advance(call, below(PublicCalls().size()));
    CallNames names = belongings_->Of(owner);
    names.session = absl::StrCat("sessions/s", below(3));
    // The last two lead to the other provider.
    const char* const lines[] = {"",
                                 "",
                                 "/sim delay 100",
                                 "/sim interval 20",
                                 "/sim status 400",
                                 "/sim only openai\n/sim status 503",
                                 "/sim only openai\n/sim redirect 307 http://127.0.0.1:1/"};
    names.directives = lines[below(std::size(lines))];
    const auto timeout = below(4) == 0 ? absl::Milliseconds(1 + below(30)) : kPatience;
    const int events = below(4) == 0 ? 1 + static_cast<int>(below(3)) : 1'000;

    const CallAnswer answer = call->second.make(SpeakerOf(asker, timeout, events), names);

    if (answer.status.ok()) ++answered_;
    belongings_->Add(asker, answer);
    Check(call->first, asker, owner, answer);
    return !absl::IsUnavailable(answer.status);
  }

  // Nothing of anybody else; nothing at all of a thing that is somebody else's, or in an error.
  void Check(const std::string& rpc, size_t asker, size_t owner, const CallAnswer& answer) {
    static const std::set<std::string> kOfOneOwner = {
        "WatchTurn", "SubmitToolResults", "CancelTurn", "GetTurn", "GetMemory", "DeleteMemory"};
    const std::vector<std::string> seen = CanariesIn(answer.bytes);
    const std::string& own = users_[asker].canary;
    EXPECT_THAT(seen, Each(own)) << rpc << ": user " << asker << " asks for what is of " << owner;
    if (asker != owner && kOfOneOwner.contains(rpc)) EXPECT_THAT(seen, IsEmpty()) << rpc;
    own_seen_ += static_cast<int>(seen.size());
    const std::string error = ToRpcStatus(answer.status).SerializeAsString();
    EXPECT_THAT(CanariesIn(error), IsEmpty()) << rpc << ": " << answer.status;
    EXPECT_THAT(secrets_.FoundIn(answer.Wire()), IsEmpty()) << rpc;
  }

  // All calls, while each process is killed in turn at even parts of them.
  void CallAndKill() {
    const int kills = scale_.kills_of_each * static_cast<int>(std::size(kProcesses));
    std::thread killer([&] {
      for (int kill = 1; kill <= kills; ++kill) {
        while (calls_ < scale_.calls * kill / (kills + 1)) absl::SleepFor(absl::Milliseconds(5));
        const char* const victim = kProcesses[kill % std::size(kProcesses)];
        SearchMetrics(victim);
        EXPECT_TRUE(mesh_->processes().Kill(victim).ok());
        EXPECT_TRUE(mesh_->processes().Restart(victim).ok());
      }
    });
    InThreads([&](unsigned worker) {
      std::mt19937 random(worker + 1);
      while (calls_ < scale_.calls) {
        if (CallOnce(random)) {
          ++calls_;
        } else {
          absl::SleepFor(absl::Milliseconds(20));
        }
        if (Failed()) calls_ = scale_.calls;
      }
    });
    killer.join();
  }

  // Another name of the same length that nobody has.
  static std::string Absent(std::string name) {
    name.back() = name.back() == 'f' ? 'e' : 'f';
    return name;
  }

  // A call with names of another user, and with names of nobody.
  void ExpectAlike(const std::string& rpc, const PublicCall& call, size_t asker, size_t owner) {
    CallNames foreign = belongings_->Of(owner);
    foreign.session = OnlySession(owner);
    foreign.create_session = false;
    CallNames absent = foreign;
    absent.session = Absent(foreign.session);
    // "sessions/s/turns/t": of nobody's session.
    absent.turn = Absent(foreign.turn);
    absent.memory = Absent(foreign.memory);

    const CallAnswer of_other = call.make(SpeakerOf(asker), foreign);
    const CallAnswer of_nobody = call.make(SpeakerOf(asker), absent);

    const auto id = [](const std::string& name) { return name.substr(name.rfind('/') + 1); };
    EXPECT_EQ(of_other.Wire(),
              absl::StrReplaceAll(of_nobody.Wire(), {{id(absent.session), id(foreign.session)},
                                                     {id(absent.turn), id(foreign.turn)},
                                                     {id(absent.memory), id(foreign.memory)}}))
        << rpc << ": " << of_other.status << "; absent: " << of_nobody.status;
    EXPECT_TRUE(absl::IsNotFound(of_other.status)) << rpc << ": " << of_other.status;
  }

  // Nothing of two users in one prompt.
  void SearchPrompts() {
    const auto requests = mesh_->simulator().Requests();
    ASSERT_TRUE(requests.ok()) << requests.status();
    std::set<std::string> formats;
    for (const ProviderRequest& request : *requests) {
      formats.insert(request.format);
      EXPECT_LE(CanariesIn(request.body).size(), 1) << request.body;
      EXPECT_THAT(secrets_.FoundIn(request.body), IsEmpty());
    }
    EXPECT_THAT(formats, testing::ElementsAre("anthropic", "openai"));
  }

  void SearchMetrics(const std::string& name) {
    const auto page = AdminPage(mesh_->folder(), name, "/metrics");
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_THAT(*page, testing::HasSubstr("penstock_rpc_server_")) << name;
    EXPECT_THAT(CanariesIn(*page), IsEmpty()) << name;
    EXPECT_THAT(secrets_.FoundIn(*page), IsEmpty()) << name;
  }

  // Logs hold neither; what is stored holds what was said, but no secret.
  void SearchFiles() {
    EXPECT_THAT(secrets_.FoundBelow(mesh_->folder(), {".yaml"}), IsEmpty());
    EXPECT_FALSE(secrets_.FoundIn(ContentsOf(mesh_->config_file())).empty()) << "blind";
    for (const char* name : kProcesses) {
      for (const char* suffix : {".out", ".err"}) {
        const std::string log = ContentsOf(absl::StrCat(mesh_->folder(), "/", name, suffix));
        EXPECT_THAT(CanariesIn(log), IsEmpty()) << name << suffix;
      }
    }
  }

  const Scale scale_ = ChosenScale();
  // Goes last: processes look at its files.
  const MeshCertificates certificates_;
  std::unique_ptr<Mesh> mesh_;
  std::vector<Resident> users_;
  std::unique_ptr<Belongings> belongings_;
  SecretSearch secrets_;
  std::atomic<int> unique_ = 0;
  std::atomic<int> calls_ = 0;
  std::atomic<int> answered_ = 0;
  std::atomic<int> own_seen_ = 0;
};

TEST(PublicCalls, AreAllThatThePublicApiHas) {
  std::set<std::string> wanted;
  for (const auto* file : {gateway::v1::GetTurnRequest::descriptor()->file(),
                           gateway::v1::GetSessionRequest::descriptor()->file(),
                           gateway::v1::GetMemoryRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service(0)->method_count(); ++i) {
      wanted.insert(file->service(0)->method(i)->name());
    }
  }
  std::set<std::string> there;
  for (const auto& [rpc, call] : PublicCalls()) there.insert(rpc);

  EXPECT_EQ(there, wanted);
}

TEST_F(PrivacyTest, NothingCrossesAndNoSecretIsTold) {
  Settle();
  CallAndKill();

  EXPECT_TRUE(mesh_->processes().CheckRunning().ok()) << mesh_->processes().CheckRunning();
  EXPECT_GT(answered_, scale_.calls / 4);
  EXPECT_GT(own_seen_, scale_.calls / 10) << "nobody sees what is their own: the search is blind";
  for (size_t asker = 0; asker < 10; ++asker) {
    for (const auto& [rpc, call] : PublicCalls()) {
      if (call.names_a_thing) ExpectAlike(rpc, call, asker, asker + 10);
    }
  }
  SearchPrompts();
  for (const char* name : kProcesses) SearchMetrics(name);
  EXPECT_TRUE(mesh_->Stop().ok());
  SearchFiles();
  AddFigures({{"users", scale_.users},
              {"calls", scale_.calls},
              {"answered", answered_.load()},
              {"own_canaries_seen", own_seen_.load()},
              {"kills", scale_.kills_of_each * 5}});
}

}  // namespace
}  // namespace penstock::harness
