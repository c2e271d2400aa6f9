// Sends one answer as its reply says, faults included.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "libs/async/awaitable.h"
#include "tests/providersim/admission.h"
#include "tests/providersim/answer_writer.h"
#include "tests/providersim/call_log.h"
#include "tests/providersim/client_watch.h"
#include "tests/providersim/gates.h"
#include "tests/providersim/outlet.h"
#include "tests/providersim/reply.h"
#include "tests/providersim/wire_format.h"

namespace penstock::providersim {

// One call, one use, on the socket's thread. Borrows everything it is given. Tells the admission
// what is generated before that is written, and settles it before the last byte: whoever has read
// an answer finds it charged.
class CompletionSender {
 public:
  // `id`: 32 hex digits, of the request and of the answer.
  CompletionSender(Socket& socket, ClientWatch& watch, Gates& gates, Admission& admission,
                   const WireFormat& format, const Reply& reply, std::string id);

  // Sends the whole answer, in as few writes as its pauses allow. After kCut and kClientClosed the
  // connection is of no further use.
  Awaitable<Outcome> Send();

  int tokens_sent() const { return tokens_sent_; }
  // Of the HTTP answer; 0 when none was sent.
  int status() const { return outlet_.used() ? 200 : 0; }

 private:
  Awaitable<Outcome> SendStream();
  Awaitable<Outcome> SendWhole();
  // The body of an answer that is not streamed, with what is wrong in it.
  std::string WholeBody() const;
  // What has to pass before `event`. False when the client has closed.
  Awaitable<bool> Pause(int event);
  // The fault in the middle of a stream. Nothing: the stream goes on.
  Awaitable<std::optional<Outcome>> Befall();
  Awaitable<Outcome> Tear();
  Awaitable<Outcome> Hang();
  Awaitable<Outcome> End(Outcome outcome);
  // Sends what is in payload_ as one HTTP chunk; `last` ends the body. False when the client has
  // closed.
  Awaitable<bool> Flush(bool last);
  Awaitable<bool> Write(std::string bytes);
  Outcome Reset();
  const Faults& faults() const { return reply_.directives.faults; }
  bool paced() const;
  // A fault is to come.
  bool doomed() const { return faults().strike != Strike::kNone && !struck_; }
  // Tokens of the answer up to the end of `event`, without reasoning.
  int EndOf(int event) const;
  void AppendThoughts();
  // Appends tokens up to the end of `event`, but none after a fault that is to come.
  void AppendEvent(int event);
  void AppendHeadOf(absl::string_view content_type);

  ClientWatch& watch_;
  Gates& gates_;
  Admission& admission_;
  const WireFormat& format_;
  const Reply& reply_;
  const std::string id_;
  const WallTime start_;
  const std::unique_ptr<AnswerWriter> writer_;
  Outlet outlet_;
  // HTTP framing, and the events behind it.
  std::string head_;
  std::string payload_;
  // When the first token was generated.
  std::chrono::steady_clock::time_point first_token_ = {};
  bool struck_ = false;
  int reasoning_appended_ = 0;
  int tokens_appended_ = 0;
  int tokens_sent_ = 0;
};

}  // namespace penstock::providersim
