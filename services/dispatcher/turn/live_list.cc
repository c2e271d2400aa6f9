#include "services/dispatcher/turn/live_list.h"

namespace penstock::dispatcher {

void FitIntoMessage(std::vector<chat::v1::Turn>& turns) {
  size_t bytes = 0;
  for (chat::v1::Turn& turn : turns) {
    bytes += turn.ByteSizeLong();
    if (bytes <= kMaxListBytes) continue;
    turn.clear_input();
    turn.clear_output();
  }
}

}  // namespace penstock::dispatcher
