// One turn as it comes from the gateway.
#pragma once

#include <functional>
#include <memory>

#include "penstock/gateway/v1/turns.pb.h"
#include "services/cli/connection.h"
#include "services/cli/happenings.h"

namespace penstock::cli {

// Puts the turn's events, and then one StreamEnded, into `happenings`. A stream that breaks after
// the turn was accepted is taken up again with WatchTurn, several times; the turn runs on
// meanwhile. `happenings` must outlive it. The methods may be called on one thread only.
class TurnStream {
 public:
  static std::unique_ptr<TurnStream> Run(const Connection& connection,
                                         const gateway::v1::StreamTurnRequest& request,
                                         Happenings& happenings);
  static std::unique_ptr<TurnStream> Watch(const Connection& connection,
                                           const gateway::v1::WatchTurnRequest& request,
                                           Happenings& happenings);
  virtual ~TurnStream() = default;

  // Asks the gateway, once, to cancel the turn; the answer comes as CancelAnswered. A turn that is
  // not accepted yet has no name: its call is broken off instead.
  virtual void CancelTurn() = 0;

  // Gives the gateway results, again while it is out of reach; the answer comes as ResultsAnswered.
  virtual void SubmitToolResults(const ToolsRan& ran) = 0;

  // Breaks the calls off; the turn follows its disconnect rule. The destructor does so too.
  virtual void Leave() = 0;
};

}  // namespace penstock::cli
