// `penstock session` and `penstock memory` as they are run: which call they make of their flags,
// and what they print of the answer.

#include <gmock/gmock.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>

#include "libs/rpc/server_host.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "penstock/gateway/v1/sessions.grpc.pb.h"
#include "services/cli/child_process.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using chat::v1::Memory;
using chat::v1::Session;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

// The requests, by call and in short: "GetSession name: \"sessions/s1\"".
using Calls = std::vector<std::string>;

Session SomeSession() {
  Session session;
  session.set_name("sessions/boat");
  session.set_display_name("About the boat");
  session.set_turn_count(2);
  session.set_etag("7");
  session.mutable_idle_ttl()->set_seconds(7200);
  return session;
}

Memory SomeMemory() {
  Memory memory;
  memory.set_name("memories/m1");
  memory.set_text("My boat is\ncalled Albatross.");
  return memory;
}

#define ANSWERED_BY(method, request_type, response_type, answer)                      \
  grpc::Status method(grpc::ServerContext*, const gateway::v1::request_type* request, \
                      response_type* response) override {                             \
    calls_.push_back(absl::StrCat(#method, " ", request->ShortDebugString()));        \
    answer;                                                                           \
    return grpc::Status::OK;                                                          \
  }

class FakeSessions final : public gateway::v1::Sessions::Service {
 public:
  explicit FakeSessions(Calls& calls) : calls_(calls) {}
  ANSWERED_BY(CreateSession, CreateSessionRequest, Session, *response = SomeSession())
  ANSWERED_BY(GetSession, GetSessionRequest, Session, *response = SomeSession())
  ANSWERED_BY(UpdateSession, UpdateSessionRequest, Session, *response = SomeSession())
  ANSWERED_BY(DeleteSession, DeleteSessionRequest, Session, *response = SomeSession())
  ANSWERED_BY(ListSessions, ListSessionsRequest, gateway::v1::ListSessionsResponse,
              *response->add_sessions() = SomeSession())

 private:
  Calls& calls_;
};

class FakeMemories final : public gateway::v1::Memories::Service {
 public:
  explicit FakeMemories(Calls& calls) : calls_(calls) {}
  ANSWERED_BY(CreateMemory, CreateMemoryRequest, Memory, *response = SomeMemory())
  ANSWERED_BY(GetMemory, GetMemoryRequest, Memory, *response = SomeMemory())
  ANSWERED_BY(DeleteMemory, DeleteMemoryRequest, Memory, *response = SomeMemory())
  ANSWERED_BY(ListMemories, ListMemoriesRequest, gateway::v1::ListMemoriesResponse,
              *response->add_memories() = SomeMemory())
  ANSWERED_BY(SearchMemories, SearchMemoriesRequest, gateway::v1::SearchMemoriesResponse, {
    *response->add_hits()->mutable_memory() = SomeMemory();
    response->mutable_hits(0)->set_score(1.5);
  })

 private:
  Calls& calls_;
};

#undef ANSWERED_BY

class ResourceProgram : public testing::Test {
 protected:
  ~ResourceProgram() override { host_->Shutdown(absl::ZeroDuration()); }

  // Its output; the exit code must be 0.
  std::string Run(std::vector<std::string> arguments, absl::string_view input = "") {
    arguments.insert(arguments.begin(), PENSTOCK_COMMAND);
    ChildProcess child(arguments, {"PENSTOCK_ADDRESS=" + host_->endpoint()});
    child.Write(input);
    child.EndInput();
    EXPECT_EQ(child.Wait(), 0) << child.error();
    return child.out();
  }

  Calls calls_;
  FakeSessions sessions_{calls_};
  FakeMemories memories_{calls_};
  std::unique_ptr<rpc::ServerHost> host_ =
      *rpc::ServerHost::Start("127.0.0.1:0", {&sessions_, &memories_});
};

TEST_F(ResourceProgram, CreatesASessionOfItsFlags) {
  const std::string out =
      Run({"session", "create", "boat", "--display-name", "About the boat", "--agent", "brief",
           "--label", "kind=travel", "--idle-ttl", "2h", "--request-id", "r1"});

  EXPECT_THAT(calls_, ElementsAre("CreateSession session_id: \"boat\" request_id: \"r1\" session { "
                                  "display_name: \"About the boat\" agent: \"agents/brief\" "
                                  "labels { key: \"kind\" value: \"travel\" } "
                                  "idle_ttl { seconds: 7200 } }"));
  EXPECT_EQ(out,
            "name:         sessions/boat\ndisplay name: About the boat\nturns:        2\n"
            "idle ttl:     2 h\netag:         7\n");
}

TEST_F(ResourceProgram, ASessionIsMadeWithARequestIdOfItsOwn) {
  Run({"session", "create"});

  EXPECT_THAT(
      calls_,
      ElementsAre(MatchesRegex("CreateSession request_id: \"[-0-9a-f]*\" session \\{ \\}")));
}

TEST_F(ResourceProgram, UpdatesTheFieldsThatAreGiven) {
  Run({"session", "update", "boat", "--label", "a=1", "--display-name", "", "--etag", "7"});

  ASSERT_EQ(calls_.size(), 1);
  EXPECT_THAT(calls_[0], StartsWith("UpdateSession session { name: \"sessions/boat\" etag: \"7\" "
                                    "labels { key: \"a\" value: \"1\" } }"));
  EXPECT_THAT(calls_[0], HasSubstr("update_mask { paths: \"display_name\" paths: \"labels\" }"));
}

TEST_F(ResourceProgram, GetsListsAndDeletesSessions) {
  Run({"session", "get", "sessions/boat"});
  const std::string list = Run({"session", "list", "--limit", "10"});
  const std::string json = Run({"session", "delete", "boat", "--etag", "7", "--output", "json"});

  EXPECT_THAT(calls_,
              ElementsAre("GetSession name: \"sessions/boat\"", "ListSessions page_size: 10",
                          "DeleteSession name: \"sessions/boat\" etag: \"7\""));
  EXPECT_THAT(list, HasSubstr("sessions/boat  "));
  EXPECT_THAT(list, HasSubstr("2 turns  About the boat\n"));
  EXPECT_THAT(json, StartsWith("{\"name\":\"sessions/boat\",\"etag\":\"7\","));
}

TEST_F(ResourceProgram, RemembersAWordOrStandardInput) {
  Run({"memory", "create", "one", "--request-id", "r1", "--label", "a=1"});
  Run({"memory", "create", "-", "--request-id", "r2"}, "two\nlines\n");

  EXPECT_THAT(calls_,
              ElementsAre("CreateMemory request_id: \"r1\" memory { text: \"one\" "
                          "labels { key: \"a\" value: \"1\" } }",
                          "CreateMemory request_id: \"r2\" memory { text: \"two\\nlines\" }"));
}

TEST_F(ResourceProgram, GetsListsSearchesAndDeletesMemories) {
  Run({"memory", "get", "m1"});
  const std::string list = Run({"memory", "list"});
  const std::string found = Run({"memory", "search", "boat", "--limit", "3"});
  Run({"memory", "delete", "memories/m1"});

  EXPECT_THAT(calls_, ElementsAre("GetMemory name: \"memories/m1\"", "ListMemories page_size: 50",
                                  "SearchMemories query: \"boat\" limit: 3",
                                  "DeleteMemory name: \"memories/m1\""));
  EXPECT_EQ(list, "memories/m1    My boat is called Albatross.\n");
  EXPECT_EQ(found, "1.500  memories/m1    My boat is called Albatross.\n");
}

}  // namespace
}  // namespace penstock::cli
