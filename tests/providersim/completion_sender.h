// Sends one completion as its reply says, faults included.
#pragma once

#include <chrono>
#include <string>

#include "libs/async/awaitable.h"
#include "tests/providersim/admission.h"
#include "tests/providersim/call_log.h"
#include "tests/providersim/client_watch.h"
#include "tests/providersim/completion.h"
#include "tests/providersim/gates.h"
#include "tests/providersim/reply.h"

namespace penstock::providersim {

// One call, one use, on the socket's thread. Borrows everything it is given. Tells the admission
// what is generated before that is written, and settles it before the last byte: whoever has read
// an answer finds it charged.
class CompletionSender {
 public:
  // `id`: 32 hex digits, of the request and of the completion.
  CompletionSender(Socket& socket, ClientWatch& watch, Gates& gates, Admission& admission,
                   const Reply& reply, std::string id);

  // Sends the whole answer, in as few writes as its pauses allow. After kCut and kClientClosed the
  // connection is of no further use.
  Awaitable<Outcome> Send();

  int tokens_sent() const { return tokens_sent_; }
  // Of the HTTP answer; 0 when none was sent.
  int status() const { return status_; }

 private:
  Awaitable<Outcome> SendStream();
  Awaitable<Outcome> SendWhole();
  // What has to pass before `event`. False when the client has closed.
  Awaitable<bool> Pause(int event);
  Awaitable<Outcome> Break();
  Awaitable<Outcome> Hang();
  Awaitable<Outcome> End(Outcome outcome);
  // Sends what is in payload_ as one HTTP chunk; `last` ends the body. False when the client has
  // closed.
  Awaitable<bool> Flush(bool last);
  Awaitable<bool> Write(std::string bytes);
  void Reset();
  bool paced() const;
  bool breaks() const { return reply_.directives.fault != Fault::kNone; }
  // Tokens of the answer up to the end of `event`, without reasoning.
  int EndOf(int event) const;
  // Appends tokens up to the end of `event`, but none after the fault.
  void AppendEvent(int event);
  void AppendHeadOf(absl::string_view content_type);

  Socket& socket_;
  ClientWatch& watch_;
  Gates& gates_;
  Admission& admission_;
  const Reply& reply_;
  const std::string id_;
  const WallTime start_;
  const ChunkWriter chunks_;
  // HTTP framing, and the events behind it.
  std::string head_;
  std::string payload_;
  // When the first token was generated.
  std::chrono::steady_clock::time_point first_token_ = {};
  int reasoning_appended_ = 0;
  int tokens_appended_ = 0;
  int tokens_sent_ = 0;
  int status_ = 0;
};

}  // namespace penstock::providersim
