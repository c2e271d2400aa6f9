// One answer while it comes in: what is told as deltas, what is kept for the end, and how it ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/delta_coalescer.h"
#include "libs/pricing/price.h"
#include "services/provider_adapter/offered_tools.h"
#include "services/provider_adapter/provider.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/time/time.h"

namespace penstock::provider_adapter {

// Pure; the caller gives the time. The first end holds: a failure after it changes nothing, and
// text after it is dropped. Not thread-safe.
class Answer : public AnswerSink {
 public:
  // Text and calls beyond `max_bytes` are cut between characters; the answer then ends with LENGTH.
  Answer(std::string provider, DeltaCoalescer::Options coalescing, size_t max_bytes,
         OfferedTools tools = {});

  void OnText(chat::v1::Delta::Kind kind, absl::string_view text) override;
  void OnToolCall(absl::string_view id, absl::string_view name) override;
  void OnToolArguments(size_t call, absl::string_view json) override;
  void OnReasoningState(chat::v1::Opaque state) override;
  void OnOpaque(chat::v1::Opaque opaque) override;
  void OnHeld(size_t bytes) override;
  void OnUsage(const chat::v1::Usage& usage) override { usage_.MergeFrom(usage); }
  void OnFinish(chat::v1::FinishReason reason) override;
  void OnEnd() override;
  void OnError(const ProviderError& error) override;
  void OnUnusable(chat::v1::ErrorKind kind, absl::string_view what) override;
  void Fail(Failure failure);

  // Nothing more comes. An answer that has not finished by now is cut off: it fails with `failure`.
  void Close(Failure failure);

  bool ended() const { return ended_; }
  // It ended as the provider meant it to: the connection can be used again.
  bool complete() const { return complete_; }
  // Some of it has come: text or a call.
  bool begun() const { return message_.parts_size() > 0; }

  // The coalescer's.
  absl::Duration NextDue() const { return coalescer_.NextDue(); }
  std::vector<DeltaPiece> TakeDue(absl::Duration now) { return coalescer_.TakeDue(now); }

  // GenerateFinished or GenerateFailed, once it has ended. Call it once.
  provider::v1::GenerateEvent TakeEnd(const std::optional<pricing::Rates>& rates,
                                      absl::string_view request_id);
  // Its kind after a failure.
  std::optional<chat::v1::ErrorKind> failure_kind() const;

 private:
  // A call whose arguments come in.
  struct OpenCall {
    int part = 0;
    Utf8Repair utf8;
  };

  void Append(chat::v1::Delta::Kind kind, absl::string_view text);
  void AppendArguments(int part, absl::string_view json);
  // The beginning of `text` that there is room for.
  absl::string_view TakeRoom(absl::string_view text);
  void EndAtBound();
  // Room for what goes back as it came; without it the answer ends.
  bool TakeRoomFor(const chat::v1::Opaque& opaque);
  std::string& PartText(chat::v1::Delta::Kind kind);
  void FlushCharacter();
  void FinishCalls();
  void DropCalls();
  void End();

  const std::string provider_;
  DeltaCoalescer coalescer_;
  size_t room_bytes_;
  // Come in for the next opaque part.
  size_t held_bytes_ = 0;
  OfferedTools tools_;
  Utf8Repair utf8_;
  chat::v1::Delta::Kind kind_ = chat::v1::Delta::KIND_UNSPECIFIED;
  chat::v1::Message message_;
  std::vector<OpenCall> calls_;
  chat::v1::Usage usage_;
  chat::v1::FinishReason finish_ = chat::v1::FINISH_REASON_UNSPECIFIED;
  std::optional<Failure> failure_;
  bool ended_ = false;
  bool complete_ = false;
};

}  // namespace penstock::provider_adapter
