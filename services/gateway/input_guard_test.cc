#include "services/gateway/input_guard.h"

#include <functional>

#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"

namespace penstock::gateway {
namespace {

config::v1::Config Settings() {
  config::v1::Config config;
  config.mutable_turn()->set_max_input_bytes(1000);
  config.mutable_turn()->set_max_input_parts(3);
  config.mutable_turn()->set_max_instructions_bytes(100);
  config.mutable_turn()->set_max_tool_schema_bytes(100);
  config.mutable_recall()->set_max_memory_bytes(50);
  config.add_agents()->set_id("default");
  return config;
}

// Good requests, which each case makes bad in one field.
template <class Request>
Request Good();

template <>
v1::StreamTurnRequest Good() {
  v1::StreamTurnRequest request;
  request.set_session("sessions/s1");
  request.mutable_turn()->add_input()->mutable_text()->set_text("Hello");
  return request;
}
template <>
v1::SubmitTurnRequest Good() {
  v1::SubmitTurnRequest request;
  request.mutable_turn()->add_input()->mutable_text()->set_text("Hello");
  return request;
}
template <>
v1::WatchTurnRequest Good() {
  v1::WatchTurnRequest request;
  request.set_name("sessions/s1/turns/t1");
  return request;
}
template <>
v1::ListTurnsRequest Good() {
  v1::ListTurnsRequest request;
  request.set_parent("sessions/-");
  return request;
}
template <>
v1::CreateSessionRequest Good() {
  return {};
}
template <>
v1::UpdateSessionRequest Good() {
  v1::UpdateSessionRequest request;
  request.mutable_session()->set_name("sessions/s1");
  return request;
}
template <>
v1::DeleteSessionRequest Good() {
  v1::DeleteSessionRequest request;
  request.set_name("sessions/s1");
  return request;
}
template <>
v1::CreateMemoryRequest Good() {
  v1::CreateMemoryRequest request;
  request.mutable_memory()->set_text("Likes tea");
  return request;
}
template <>
v1::GetMemoryRequest Good() {
  v1::GetMemoryRequest request;
  request.set_name("memories/m1");
  return request;
}
template <>
v1::SearchMemoriesRequest Good() {
  v1::SearchMemoriesRequest request;
  request.set_query("tea");
  return request;
}
template <>
v1::ListMemoriesRequest Good() {
  return {};
}

struct Case {
  std::string name;
  std::function<absl::Status(const InputGuard&)> check;
  std::string reason;  // "": it is good
  std::string field;
};

template <class Request>
Case Bad(std::string name, std::function<void(Request&)> spoil, std::string field,
         std::string reason = "FIELD_INVALID") {
  return {std::move(name),
          [spoil](const InputGuard& guard) {
            Request request = Good<Request>();
            spoil(request);
            return guard.Check(request);
          },
          std::move(reason), std::move(field)};
}

template <class Request>
Case Fine(std::string name, std::function<void(Request&)> change) {
  return Bad<Request>(std::move(name), std::move(change), "", "");
}

using Stream = v1::StreamTurnRequest;

std::string Text(size_t bytes) { return std::string(bytes, 'x'); }

void AddText(Stream& request, std::string text) {
  request.mutable_turn()->add_input()->mutable_text()->set_text(std::move(text));
}

void AddLabels(Stream& request, int count) {
  for (int i = 0; i < count; ++i) {
    (*request.mutable_turn()->mutable_labels())["k" + std::to_string(i)] = "v";
  }
}

std::vector<Case> Turns() {
  return {
      Fine<Stream>("PlainTurn", [](Stream&) {}),
      Fine<Stream>("NewSession", [](Stream& r) { r.clear_session(); }),
      Bad<Stream>(
          "ForeignSessionName", [](Stream& r) { r.set_session("s1"); }, "session"),
      Bad<Stream>(
          "AllSessions", [](Stream& r) { r.set_session("sessions/-"); }, "session"),
      Bad<Stream>(
          "LongSessionId", [](Stream& r) { r.set_session("sessions/" + Text(65)); }, "session"),
      Fine<Stream>("LongestRequestId", [](Stream& r) { r.set_request_id(Text(128)); }),
      Bad<Stream>(
          "LongRequestId", [](Stream& r) { r.set_request_id(Text(129)); }, "request_id"),
      Bad<Stream>(
          "RequestIdWithTab", [](Stream& r) { r.set_request_id("a\tb"); }, "request_id"),
      Bad<Stream>(
          "RequestIdNotAscii", [](Stream& r) { r.set_request_id("ä"); }, "request_id"),
      Bad<Stream>(
          "NoTurn", [](Stream& r) { r.clear_turn(); }, "turn.input"),
      Fine<Stream>("AllPartsAndBytes",
                   [](Stream& r) {
                     AddText(r, Text(500));
                     AddText(r, Text(495));
                   }),
      Bad<Stream>(
          "OneByteTooMany",
          [](Stream& r) {
            AddText(r, Text(500));
            AddText(r, Text(496));
          },
          "turn.input", "TOO_LARGE"),
      Bad<Stream>(
          "FourParts",
          [](Stream& r) {
            for (int i = 0; i < 3; ++i) AddText(r, "x");
          },
          "turn.input", "TOO_LARGE"),
      Bad<Stream>(
          "EmptyText", [](Stream& r) { AddText(r, ""); }, "turn.input[1].text.text"),
      Bad<Stream>(
          "PartWithoutKind", [](Stream& r) { r.mutable_turn()->add_input(); }, "turn.input[1]"),
      Bad<Stream>(
          "Reasoning", [](Stream& r) { r.mutable_turn()->add_input()->mutable_reasoning(); },
          "turn.input[1]"),
      Bad<Stream>(
          "Refusal", [](Stream& r) { r.mutable_turn()->add_input()->mutable_refusal(); },
          "turn.input[1]"),
      Bad<Stream>(
          "AgentName", [](Stream& r) { r.mutable_turn()->set_agent("default"); }, "turn.agent"),
      Bad<Stream>(
          "Instructions",
          [](Stream& r) { r.mutable_turn()->mutable_overrides()->set_instructions(Text(101)); },
          "turn.overrides.instructions", "TOO_LARGE"),
      Bad<Stream>(
          "ModelName",
          [](Stream& r) { r.mutable_turn()->mutable_overrides()->set_model(Text(257)); },
          "turn.overrides.model", "TOO_LARGE"),
      Bad<Stream>(
          "StopSequence",
          [](Stream& r) {
            r.mutable_turn()->mutable_overrides()->mutable_generation()->add_stop(Text(257));
          },
          "turn.overrides.generation.stop[0]", "TOO_LARGE"),
      Bad<Stream>(
          "Urgency",
          [](Stream& r) { r.mutable_turn()->set_urgency(static_cast<chat::v1::Urgency>(9)); },
          "turn.urgency"),
      Bad<Stream>(
          "OnDisconnect",
          [](Stream& r) {
            r.mutable_turn()->set_on_disconnect(static_cast<chat::v1::OnDisconnect>(9));
          },
          "turn.on_disconnect"),
      Bad<Stream>(
          "OnConflict",
          [](Stream& r) {
            r.mutable_turn()->set_on_conflict(static_cast<chat::v1::OnConflict>(9));
          },
          "turn.on_conflict"),
      Fine<Stream>("MaxWait",
                   [](Stream& r) { r.mutable_turn()->mutable_max_wait()->set_seconds(1); }),
      Bad<Stream>(
          "NoMaxWait", [](Stream& r) { r.mutable_turn()->mutable_max_wait(); }, "turn.max_wait"),
      Bad<Stream>(
          "MaxWaitNoDuration",
          [](Stream& r) {
            r.mutable_turn()->mutable_max_wait()->set_seconds(1);
            r.mutable_turn()->mutable_max_wait()->set_nanos(-1);
          },
          "turn.max_wait.nanos"),
      Fine<Stream>("SixteenLabels", [](Stream& r) { AddLabels(r, 16); }),
      Bad<Stream>(
          "SeventeenLabels", [](Stream& r) { AddLabels(r, 17); }, "turn.labels"),
      Bad<Stream>(
          "EmptyLabelKey", [](Stream& r) { (*r.mutable_turn()->mutable_labels())[""] = "v"; },
          "turn.labels"),
      Bad<Stream>(
          "LongLabelKey", [](Stream& r) { (*r.mutable_turn()->mutable_labels())[Text(65)] = "v"; },
          "turn.labels"),
      Bad<Stream>(
          "LongLabelValue",
          [](Stream& r) { (*r.mutable_turn()->mutable_labels())["k"] = Text(257); }, "turn.labels"),
  };
}

std::vector<Case> OtherTurnRequests() {
  using Submit = v1::SubmitTurnRequest;
  using Watch = v1::WatchTurnRequest;
  using List = v1::ListTurnsRequest;
  return {
      Fine<Submit>("Job", [](Submit& r) { r.mutable_timeout()->set_seconds(5); }),
      Bad<Submit>(
          "TimeoutZero", [](Submit& r) { r.mutable_timeout(); }, "timeout"),
      Bad<Submit>(
          "TimeoutNegative", [](Submit& r) { r.mutable_timeout()->set_nanos(-1); }, "timeout"),
      Bad<Submit>(
          "TimeoutMixedSigns",
          [](Submit& r) {
            r.mutable_timeout()->set_seconds(1);
            r.mutable_timeout()->set_nanos(-1);
          },
          "timeout.nanos"),
      Bad<Submit>(
          "TimeoutEndless", [](Submit& r) { r.mutable_timeout()->set_seconds(INT64_MAX); },
          "timeout.seconds"),
      Fine<Watch>("Watch", [](Watch& r) { r.set_after_index(7); }),
      Bad<Watch>(
          "WatchIndex", [](Watch& r) { r.set_after_index(-1); }, "after_index"),
      Bad<Watch>(
          "WatchSession", [](Watch& r) { r.set_name("sessions/s1"); }, "name"),
      Fine<List>("List", [](List& r) { r.set_page_size(1000); }),
      Bad<List>(
          "ListParent", [](List& r) { r.clear_parent(); }, "parent"),
      Bad<List>(
          "PageTooLong", [](List& r) { r.set_page_size(1001); }, "page_size"),
      Bad<List>(
          "PageNegative", [](List& r) { r.set_page_size(-1); }, "page_size"),
      Bad<List>(
          "PageToken", [](List& r) { r.set_page_token(Text(4097)); }, "page_token"),
      Bad<List>(
          "StateUnspecified", [](List& r) { r.add_states(chat::v1::Turn::STATE_UNSPECIFIED); },
          "states[0]"),
      Bad<List>(
          "StateUnknown",
          [](List& r) {
            r.add_states(chat::v1::Turn::QUEUED);
            r.add_states(static_cast<chat::v1::Turn::State>(99));
          },
          "states[1]"),
      Bad<List>(
          "ListRequestId", [](List& r) { r.set_request_id(Text(129)); }, "request_id"),
  };
}

std::vector<Case> SessionsAndMemories() {
  using Create = v1::CreateSessionRequest;
  using Update = v1::UpdateSessionRequest;
  using Delete = v1::DeleteSessionRequest;
  using Remember = v1::CreateMemoryRequest;
  using Search = v1::SearchMemoriesRequest;
  using GetMemory = v1::GetMemoryRequest;
  using ListMemories = v1::ListMemoriesRequest;
  return {
      Fine<Create>("Session", [](Create& r) { r.mutable_session()->set_agent("agents/default"); }),
      Bad<Create>(
          "SessionId", [](Create& r) { r.set_session_id("a/b"); }, "session_id"),
      Bad<Create>(
          "SessionIdDash", [](Create& r) { r.set_session_id("-"); }, "session_id"),
      Bad<Create>(
          "SessionAgent", [](Create& r) { r.mutable_session()->set_agent("x"); }, "session.agent"),
      Bad<Create>(
          "SessionAgentUnknown", [](Create& r) { r.mutable_session()->set_agent("agents/other"); },
          "", "AGENT_NOT_FOUND"),
      Bad<Create>(
          "DisplayName", [](Create& r) { r.mutable_session()->set_display_name(Text(257)); },
          "session.display_name", "TOO_LARGE"),
      Bad<Create>(
          "IdleTtlZero", [](Create& r) { r.mutable_session()->mutable_idle_ttl(); },
          "session.idle_ttl"),
      Bad<Update>(
          "UpdateName", [](Update& r) { r.mutable_session()->clear_name(); }, "session.name"),
      Bad<Update>(
          "UpdateAgent", [](Update& r) { r.mutable_session()->set_agent("agents/other"); }, "",
          "AGENT_NOT_FOUND"),
      Fine<Update>("UpdateMask",
                   [](Update& r) {
                     for (const char* path : {"display_name", "agent", "labels", "idle_ttl"}) {
                       r.mutable_update_mask()->add_paths(path);
                     }
                   }),
      Bad<Update>(
          "UpdateMaskPath",
          [](Update& r) {
            r.mutable_update_mask()->add_paths("labels");
            r.mutable_update_mask()->add_paths("etag");
          },
          "update_mask.paths[1]"),
      Bad<Delete>(
          "DeleteEtag", [](Delete& r) { r.set_etag(Text(65)); }, "etag", "TOO_LARGE"),
      Fine<Remember>("Memory", [](Remember& r) { r.mutable_memory()->set_text(Text(50)); }),
      Bad<Remember>(
          "MemoryEmpty", [](Remember& r) { r.clear_memory(); }, "memory.text"),
      Bad<Remember>(
          "MemoryLong", [](Remember& r) { r.mutable_memory()->set_text(Text(51)); }, "memory.text",
          "TOO_LARGE"),
      Bad<Remember>(
          "MemoryExpiry",
          [](Remember& r) { r.mutable_memory()->mutable_expire_time()->set_nanos(-1); },
          "memory.expire_time.nanos"),
      Bad<GetMemory>(
          "MemoryName", [](GetMemory& r) { r.set_name("memories/"); }, "name"),
      Bad<ListMemories>(
          "MemoryPage", [](ListMemories& r) { r.set_page_size(1001); }, "page_size"),
      Bad<Search>(
          "QueryEmpty", [](Search& r) { r.clear_query(); }, "query"),
      Bad<Search>(
          "QueryLong", [](Search& r) { r.set_query(Text(4097)); }, "query", "TOO_LARGE"),
      Bad<Search>(
          "QueryLimit", [](Search& r) { r.set_limit(101); }, "limit"),
  };
}

class InputGuardTest : public testing::TestWithParam<Case> {};

TEST_P(InputGuardTest, NamesTheField) {
  const config::v1::Config config = Settings();

  const absl::Status status = GetParam().check(InputGuard(config));

  EXPECT_EQ(status.ok(), GetParam().reason.empty()) << status;
  EXPECT_EQ(ReasonOf(status), GetParam().reason) << status;
  EXPECT_EQ(MetadataOf(status, "field"), GetParam().field) << status;
}

std::string NameOfCase(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Turns, InputGuardTest, testing::ValuesIn(Turns()), NameOfCase);
INSTANTIATE_TEST_SUITE_P(OtherTurnRequests, InputGuardTest, testing::ValuesIn(OtherTurnRequests()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(SessionsAndMemories, InputGuardTest,
                         testing::ValuesIn(SessionsAndMemories()), NameOfCase);

TEST(InputGuard, ActionNeedsItsScope) {
  identity::Principal principal = identity::PrincipalForTest("t", "u");
  chat::v1::TurnSpec spec;
  spec.set_urgency(chat::v1::ACTION);

  EXPECT_EQ(MetadataOf(InputGuard::CheckScopes(principal, spec), "scope"), "turns.action");
  principal.scopes = {"turns.action"};
  EXPECT_TRUE(InputGuard::CheckScopes(principal, spec).ok());
}

}  // namespace
}  // namespace penstock::gateway
