// What the operations of a SessionStore take and answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "penstock/chat/v1/session.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/session/v1/session_state.pb.h"

#include "absl/time/time.h"

namespace penstock::session_state {

struct ResolvedSession {
  bool exists = false;
  std::string agent;
  // The highest sequence of a turn that was begun or ended.
  int64_t last_sequence = 0;
};

struct EnsureSessionArgs {
  std::string session;
  std::string agent;
  absl::Time now;
};

struct BeginTurnArgs {
  TurnIds ids;
  session::v1::Fence fence;
  chat::v1::Turn accepted;
  // Bounds of the history: see ContextWindow.
  int64_t max_tokens = 0;
  int32_t max_turns = 0;
  absl::Time now;
};

struct AppendStepArgs {
  TurnIds ids;
  session::v1::Fence fence;
  // Without results.
  chat::v1::Step step;
  absl::Time now;
};

struct CommitTurnArgs {
  TurnIds ids;
  session::v1::Fence fence;
  chat::v1::Turn turn;
  bool with_input = false;
  absl::Time now;
};

struct CreateSessionArgs {
  std::string session;
  // Empty: not remembered.
  std::string request_id;
  // Equal for equal requests. Says nothing about a `session` that the server chose.
  std::string body_digest;
  // display_name, agent, labels, idle_ttl.
  chat::v1::Session fields;
  absl::Time now;
};

// Absent: stays as it is.
struct SessionChanges {
  std::optional<std::string> display_name;
  std::optional<std::string> agent;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<absl::Duration> idle_ttl;
};

struct UpdateSessionArgs {
  std::string session;
  // Empty: any.
  std::string etag;
  SessionChanges changes;
  absl::Time now;
};

struct DeleteSessionArgs {
  std::string session;
  // Empty: any.
  std::string etag;
};

struct PageArgs {
  int page_size = 50;
  // A page ends before the item that would exceed this, but holds at least one.
  int64_t max_bytes = int64_t{2} << 20;
  // `next` of the page before; empty: from the start.
  std::string after;
};

struct SessionPage {
  std::vector<chat::v1::Session> sessions;
  // Empty: there is nothing more.
  std::string next;
};

struct ListTurnsArgs {
  // Absent: of all sessions.
  std::optional<std::string> session;
  // Empty: any.
  std::vector<chat::v1::Turn::State> states;
  std::string request_id;
  PageArgs page;
};

struct TurnPage {
  // A page of a selective filter may hold few turns, or none, and still have a `next`.
  std::vector<chat::v1::Turn> turns;
  std::string next;
};

}  // namespace penstock::session_state
