// What a pool's arbiter is told of a turn.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "libs/identity/principal.h"
#include "penstock/chat/v1/turn.pb.h"

namespace penstock::dispatcher {

struct TurnInLine {
  chat::v1::TurnClass turn_class = chat::v1::CLASS_FREE;
  std::string tenant = {};
  // A hash of the user.
  uint64_t user = 0;
  // Order of acceptance, comparable over all turns of the pool.
  int64_t seq = 0;
  int64_t estimated_tokens = 0;
  // Of the last call of its session; empty: not known.
  std::string last_lane = {};
};

// Of a user's turn that has no place yet.
inline TurnInLine TurnInLineOf(chat::v1::TurnClass turn_class, std::string tenant,
                               const identity::UserKey& user) {
  TurnInLine turn{.turn_class = turn_class, .tenant = std::move(tenant)};
  // A user key is a hash itself.
  std::memcpy(&turn.user, user.bytes().data() + user.bytes().size() - sizeof(turn.user),
              sizeof(turn.user));
  return turn;
}

}  // namespace penstock::dispatcher
