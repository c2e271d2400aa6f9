// The other commands as they are run: what they print, and their exit codes.

#include <fstream>

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/grant_key.h"
#include "services/cli/child_process.h"
#include "services/cli/fake_gateway.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;
using testing::ElementsAre;
using testing::HasSubstr;

struct Ran {
  int exit_code;
  std::string out;
  std::string error;
};

class Program : public testing::Test {
 protected:
  Ran Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PENSTOCK_COMMAND);
    ChildProcess child(arguments, {"PENSTOCK_ADDRESS=" + gateway_->address()});
    child.EndInput();
    const int exit_code = child.Wait();
    return {exit_code, child.out(), child.error()};
  }

  static Turn SomeTurn() {
    Turn turn;
    turn.set_name("sessions/s1/turns/t1");
    turn.set_state(Turn::SUCCEEDED);
    turn.set_sequence(1);
    turn.add_input()->mutable_text()->set_text("Hello?");
    turn.add_output()->add_parts()->mutable_text()->set_text("Yes.\nHello.");
    turn.set_cost_nano_usd(21'500);
    return turn;
  }

  std::unique_ptr<FakeGateway> gateway_ = FakeGateway::Start();
};

TEST_F(Program, GetsATurnAsJsonOnOneLine) {
  gateway_->on_get = [](const std::string& name) -> absl::StatusOr<Turn> {
    EXPECT_EQ(name, "sessions/s1/turns/t1");
    return SomeTurn();
  };

  const Ran ran = Run({"turn", "get", "s1/t1", "--output", "json"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
  Turn read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &read).ok()) << ran.out;
  EXPECT_EQ(read.SerializeAsString(), SomeTurn().SerializeAsString());
}

TEST_F(Program, GetsATurnAsText) {
  gateway_->on_get = [](const std::string&) -> absl::StatusOr<Turn> { return SomeTurn(); };

  const Ran ran = Run({"turn", "get", "sessions/s1/turns/t1"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out,
            "name:    sessions/s1/turns/t1\nstate:   SUCCEEDED\nsummary: $0.0000215\n"
            "input:   Hello?\noutput:  Yes.\n         Hello.\n");
}

TEST_F(Program, ARefusalExitsWith1) {
  gateway_->on_get = [](const std::string&) -> absl::StatusOr<Turn> {
    return Refusal(absl::StatusCode::kNotFound, "TURN_NOT_FOUND",
                   "sessions/s1/turns/t1: not found");
  };

  const Ran ran = Run({"turn", "get", "s1/t1"});

  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.error,
            "penstock: sessions/s1/turns/t1: not found (TURN_NOT_FOUND)\n"
            "what to do: `penstock turn list` shows the turns there are\n");
}

TEST_F(Program, RunsATurnAndExitsWithWhatBecameOfIt) {
  gateway_->on_run = [](const auto& request, Turn& turn) {
    const std::string said = request.turn().input(0).text().text();
    turn.set_state(said == "fail" ? Turn::FAILED : Turn::SUCCEEDED);
    if (said == "fail") {
      *turn.mutable_error() = ToRpcStatus(
          Refusal(absl::StatusCode::kDeadlineExceeded, "PROVIDER_TIMEOUT", "sim: too slow"));
    } else {
      turn.add_output()->add_parts()->mutable_text()->set_text("You said: " + said);
    }
    return absl::OkStatus();
  };

  const Ran good = Run({"turn", "run", "hello"});
  const Ran bad = Run({"turn", "run", "fail"});

  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.out, "You said: hello\n");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.error, "penstock: the turn failed: sim: too slow (PROVIDER_TIMEOUT)\n");
}

TEST_F(Program, SaysWhatToDoWithABusySessionAndHowLongToWait) {
  chat::v1::TurnSpec spec;
  gateway_->on_run = [&](const auto& request, Turn& turn) {
    spec = request.turn();
    turn.set_state(Turn::SUCCEEDED);
    return absl::OkStatus();
  };

  Run({"turn", "run", "hello"});
  EXPECT_EQ(spec.on_conflict(), chat::v1::ON_CONFLICT_UNSPECIFIED);
  EXPECT_FALSE(spec.has_max_wait());
  Run({"turn", "run", "hello", "--on-conflict", "interrupt", "--max-wait", "30s"});
  EXPECT_EQ(spec.on_conflict(), chat::v1::INTERRUPT);
  EXPECT_EQ(spec.max_wait().seconds(), 30);

  const Ran wrong = Run({"turn", "run", "hello", "--on-conflict", "push"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.error, HasSubstr("--on-conflict"));
}

TEST_F(Program, WatchesATurnAsTextAndAsJson) {
  gateway_->on_watch = [](const auto& request, TurnScript& turn) {
    EXPECT_EQ(request.name(), "sessions/s1/turns/t1");
    EXPECT_EQ(request.after_index(), 5);
    turn.Say("Yes.");
    turn.Finish(Turn::SUCCEEDED, "Yes.");
    return absl::OkStatus();
  };

  const Ran text = Run({"turn", "watch", "s1/t1", "--after", "5"});
  const Ran json = Run({"turn", "watch", "s1/t1", "--after", "5", "--output", "json"});

  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.out, "Yes.\n");
  EXPECT_EQ(json.exit_code, 0);
  EXPECT_THAT(json.out,
              HasSubstr("{\"index\":\"6\",\"delta\":{\"kind\":\"TEXT\",\"text\":\"Yes.\"}}\n"));
}

TEST_F(Program, ListsPageByPageUntilTheLimit) {
  std::vector<int> sizes;
  gateway_->on_list = [&sizes](const auto& request, auto& response) {
    EXPECT_EQ(request.parent(), "sessions/-");
    EXPECT_THAT(request.states(), ElementsAre(Turn::FAILED));
    sizes.push_back(request.page_size());
    *response.add_turns() = SomeTurn();
    *response.add_turns() = SomeTurn();
    response.set_next_page_token(request.page_token() + "x");
    return absl::OkStatus();
  };

  const Ran ran = Run({"turn", "list", "--state", "failed", "--limit", "4"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(sizes, ElementsAre(4, 2));
  EXPECT_THAT(ran.out, HasSubstr("sessions/s1/turns/t1  SUCCEEDED    Hello?\n"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 4);
  EXPECT_EQ(ran.error, "more: --page-token xx\n");
}

TEST_F(Program, HealthExitsWith0OnlyWhileTheGatewayServes) {
  const Ran good = Run({"health"});
  gateway_->SetServing(false);
  const Ran bad = Run({"health"});

  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.out, gateway_->address() + " serves\n");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.out, gateway_->address() + " does not serve\n");
}

TEST_F(Program, HealthOfOneProcessIsAskedAtItsAdminPort) {
  const Ran nobody = Run({"health", "--admin", "unix:/nonexistent/admin.sock"});

  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_EQ(nobody.error,
            "penstock: admin port unix:/nonexistent/admin.sock: No such file or directory\n");
}

TEST_F(Program, AGatewayThatIsNotThereIsNamed) {
  const Ran ran = Run({"health", "--address", "unix:/nonexistent/penstock.sock"});

  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.error, HasSubstr("(UNAVAILABLE)\nwhat to do: is the gateway running at "
                                   "unix:/nonexistent/penstock.sock?"));
}

TEST_F(Program, AWrongCommandLineExitsWith2) {
  const std::vector<std::vector<std::string>> wrong = {
      {"tern"},
      {"chat", "--mesage", "x"},
      {"turn", "get"},
      {"turn", "run", ""},
      {"turn", "run", "\xff"},
      {"turn", "list", "--state", "odd"},
      {"turn", "list", "--output", "xml"},
      {"health", "--address", "nowhere"},
      {"health", "--admin", "nowhere"},
      {"health", "--admin", "127.0.0.1:1", "--service", "x"},
      {"health", "--token", "a\nb"},
      {"session", "update", "s1"},
      {"token", "mint"},
      {"token", "grant-key", "--config", "x", "--audience", "gateway"}};
  for (const auto& arguments : wrong) {
    const Ran ran = Run(arguments);

    EXPECT_EQ(ran.exit_code, 2) << testing::PrintToString(arguments) << ran.out << ran.error;
    EXPECT_THAT(ran.error, HasSubstr("penstock: "));
  }
}

TEST_F(Program, MintsTokensAndKeys) {
  const std::string config = "deploy/config/standalone.yaml";

  const Ran token = Run({"token", "mint", "--config", config, "--user", "you"});
  const Ran key = Run({"token", "grant-key", "--config", config, "--audience", "memory-recall"});

  EXPECT_EQ(token.exit_code, 0) << token.error;
  EXPECT_EQ(std::count(token.out.begin(), token.out.end(), '.'), 2);
  EXPECT_EQ(key.exit_code, 0) << key.error;
  EXPECT_EQ(key.out.size(), 45);
}

TEST_F(Program, DerivesTheGrantKeyOfEitherRoot) {
  const std::string file = absl::StrCat(testing::TempDir(), "/two_roots.yaml");
  const std::string roots[] = {std::string(32, 'a'), std::string(32, 'b')};
  std::ifstream shipped("deploy/config/standalone.yaml");
  std::ofstream with_two(file);
  for (std::string line; std::getline(shipped, line);) {
    if (absl::StartsWith(line, "  grant_root: ")) {
      line = absl::StrCat("  grant_root: ", absl::Base64Escape(roots[0]),
                          "\n  previous_grant_root: ", absl::Base64Escape(roots[1]));
    }
    with_two << line << "\n";
  }
  with_two.close();
  const std::vector<std::string> command = {"token", "grant-key",  "--config",
                                            file,    "--audience", "session-state"};
  std::vector<std::string> with_switch = command;
  with_switch.push_back("--previous");

  const Ran current = Run(command);
  const Ran previous = Run(with_switch);
  with_switch[3] = "deploy/config/standalone.yaml";

  const auto key_of = [](const std::string& root) {
    return absl::Base64Escape(identity::DeriveGrantKey(root, "session-state")) + "\n";
  };
  EXPECT_EQ(current.out, key_of(roots[0])) << current.error;
  EXPECT_EQ(previous.out, key_of(roots[1])) << previous.error;
  EXPECT_THAT(Run(with_switch).error, HasSubstr("identity.previous_grant_root is empty"));
}

TEST_F(Program, HelpNamesEveryCommand) {
  const Ran overview = Run({"help"});
  const Ran one = Run({"help", "turn", "submit"});

  EXPECT_EQ(overview.exit_code, 0);
  for (const char* name : {"chat", "turn run TEXT", "session update NAME", "memory search QUERY",
                           "queue top", "token keygen", "health", "version"}) {
    EXPECT_THAT(overview.out, HasSubstr(name));
  }
  EXPECT_THAT(one.out, HasSubstr("usage: penstock turn submit TEXT"));
}

}  // namespace
}  // namespace penstock::cli
