#include "services/dispatcher/turn/event_log.h"

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/async/inline_executor.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Delta;
using chat::v1::TurnEvent;

constexpr int64_t kEpoch = 5;
const absl::Time kTime = absl::FromUnixSeconds(1'700'000'000);

TurnEvent TextDelta(absl::string_view text, int part = 0, Delta::Kind kind = Delta::TEXT) {
  TurnEvent event;
  event.mutable_delta()->set_part(part);
  event.mutable_delta()->set_kind(kind);
  event.mutable_delta()->set_text(text.data(), text.size());
  return event;
}
TurnEvent Accepted() {
  TurnEvent event;
  event.mutable_accepted()->set_turn("sessions/s/turns/t");
  return event;
}
TurnEvent Started() {
  TurnEvent event;
  event.mutable_started()->set_run(1);
  return event;
}
TurnEvent Queued(int64_t position) {
  TurnEvent event;
  event.mutable_queued()->set_position(position);
  return event;
}
TurnEvent Finished() {
  TurnEvent event;
  event.mutable_finished()->mutable_turn()->set_state(chat::v1::Turn::SUCCEEDED);
  return event;
}

// "accepted", "queued 3", "delta hello", …
std::string Brief(const TurnEvent& event) {
  switch (event.event_case()) {
    case TurnEvent::kAccepted:
      return "accepted";
    case TurnEvent::kQueued:
      return "queued " + std::to_string(event.queued().position());
    case TurnEvent::kStarted:
      return "started";
    case TurnEvent::kDelta:
      return "delta " + event.delta().text();
    case TurnEvent::kRestarted:
      return "restarted " + std::to_string(event.restarted().keep_through_index());
    case TurnEvent::kFinished:
      return "finished";
    default:
      return "?";
  }
}

class EventLogTest : public testing::Test {
 protected:
  struct Result {
    std::optional<absl::StatusOr<EventBatch>> batch;
  };

  static Awaitable<void> DoRead(EventReader& reader, Result& result, std::stop_token stop) {
    result.batch.emplace(co_await reader.Read(std::move(stop)));
  }
  void Read(EventReader& reader, Result& result, std::stop_token stop = {}) {
    result.batch.reset();
    Spawn(executor_, DoRead(reader, result, std::move(stop)));
  }
  // What is there now; nothing when the reader would have to wait.
  std::vector<std::string> ReadNow(EventReader& reader) {
    Result result;
    std::stop_source stop;
    Read(reader, result, stop.get_token());
    stop.request_stop();
    RunPosted();
    std::vector<std::string> events;
    if (!result.batch->ok()) return events;
    for (const TurnEvent& event : (*result.batch)->events) events.push_back(Brief(event));
    if ((*result.batch)->end) events.push_back("end");
    return events;
  }
  std::unique_ptr<EventReader> Attach(int64_t after = 0, bool outcome_only = false) {
    auto reader = log_->Attach(after, outcome_only);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  void Append(TurnEvent event) { log_->Append(std::move(event), kTime); }
  void RunPosted() {
    io_.run();
    io_.restart();
  }

  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
  int reader_changes_ = 0;
  std::shared_ptr<EventLog> log_ =
      EventLog::Create(kEpoch, 1, kTime, [this] { ++reader_changes_; });
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(EventLogTest, GivesALateReaderEverythingWithAdjacentDeltasMerged) {
  Append(Accepted());
  Append(Started());
  Append(TextDelta("Hel"));
  Append(TextDelta("lo"));
  Append(TextDelta("thinking", 1, Delta::REASONING));
  Append(TextDelta("!", 1));
  Append(Finished());

  EXPECT_THAT(ReadNow(*Attach()), ElementsAre("accepted", "started", "delta Hello",
                                              "delta thinking", "delta !", "finished", "end"));
}

TEST_F(EventLogTest, ResumesInTheMiddleOfTextThatWasMergedLater) {
  Append(Accepted());
  Append(TextDelta("Hel"));
  auto reader = Attach();
  ReadNow(*reader);
  const int64_t cursor = reader->cursor();
  Append(TextDelta("lo"));

  EXPECT_THAT(ReadNow(*reader), ElementsAre("delta lo"));
  EXPECT_THAT(ReadNow(*Attach(cursor)), ElementsAre("delta lo"));
  EXPECT_THAT(ReadNow(*reader), IsEmpty());
}

TEST_F(EventLogTest, WakesAReaderThatWaits) {
  const auto reader = Attach();
  Result result;
  Read(*reader, result);
  RunPosted();
  EXPECT_FALSE(result.batch.has_value());

  Append(Accepted());
  RunPosted();

  ASSERT_TRUE(result.batch.has_value());
  EXPECT_EQ((*result.batch)->events.size(), 1u);
  EXPECT_EQ((*result.batch)->events[0].index(), kAcceptedIndex);
  EXPECT_EQ((*result.batch)->events[0].time().seconds(), 1'700'000'000);
}

TEST_F(EventLogTest, AReaderOfAnOlderRunIsToldToForgetItsDeltasFirst) {
  const int64_t older = PackEventIndex({.epoch = kEpoch - 1, .run = 3, .sequence = 700});
  Append(Accepted());
  const auto early = Attach(older);
  EXPECT_THAT(ReadNow(*early), ElementsAre("restarted 1"));
  Append(Started());
  Append(TextDelta("again"));

  EXPECT_THAT(ReadNow(*early), ElementsAre("started", "delta again"));
  EXPECT_THAT(ReadNow(*Attach(older)), ElementsAre("restarted 1", "started", "delta again"));
}

TEST_F(EventLogTest, AReaderThatSawOnlyAcceptedHasNothingToForget) {
  Append(Accepted());
  Append(Started());

  EXPECT_THAT(ReadNow(*Attach(kAcceptedIndex)), ElementsAre("started"));
}

TEST_F(EventLogTest, IndicesRiseStrictlyAlsoOverRuns) {
  Append(Accepted());
  Append(Started());
  Append(TextDelta("a"));
  const auto reader = Attach();
  ReadNow(*reader);
  const auto next = EventLog::Create(kEpoch, 2, kTime, nullptr);
  next->Append(Accepted(), kTime);
  auto resumed = next->Attach(reader->cursor(), false);
  ASSERT_TRUE(resumed.ok());
  const int64_t before = (*resumed)->cursor();

  EXPECT_THAT(ReadNow(**resumed), ElementsAre("restarted 1"));
  EXPECT_GT((*resumed)->cursor(), before);
}

TEST_F(EventLogTest, OutcomeOnlyReadersGetAcceptedAndFinished) {
  Append(Accepted());
  Append(Started());
  Append(TextDelta("text"));
  const auto reader = Attach(0, true);
  EXPECT_THAT(ReadNow(*reader), ElementsAre("accepted"));
  Result result;
  Read(*reader, result);

  Append(TextDelta("more"));
  RunPosted();
  EXPECT_FALSE(result.batch.has_value());
  Append(Finished());
  RunPosted();

  ASSERT_TRUE(result.batch.has_value());
  ASSERT_EQ((*result.batch)->events.size(), 1u);
  EXPECT_EQ(Brief((*result.batch)->events[0]), "finished");
  EXPECT_TRUE((*result.batch)->end);
}

TEST_F(EventLogTest, SplitsLongTextBetweenCharacters) {
  Append(Accepted());
  std::string text;
  while (text.size() < 150'000) text += "aé漢🙂";
  Append(TextDelta(text));
  Append(Finished());

  const auto reader = Attach(kAcceptedIndex);
  std::string joined;
  bool end = false;
  while (!end) {
    Result result;
    Read(*reader, result);
    ASSERT_TRUE(result.batch.has_value() && result.batch->ok());
    size_t batch_bytes = 0;
    for (const TurnEvent& event : (*result.batch)->events) {
      const std::string& piece = event.delta().text();
      if (event.has_delta()) {
        EXPECT_NE(static_cast<unsigned char>(piece[0]) & 0xc0, 0x80);
      }
      batch_bytes += piece.size();
      joined += piece;
    }
    EXPECT_LE(batch_bytes, EventLog::kMaxDeltaBytes);
    end = (*result.batch)->end;
  }
  EXPECT_EQ(joined, text);
}

TEST_F(EventLogTest, KeepsOnlyTheNewestOfQueuedEventsThatFollowEachOther) {
  Append(Accepted());
  const auto live = Attach();
  Append(Queued(3));
  EXPECT_THAT(ReadNow(*live), ElementsAre("accepted", "queued 3"));
  Append(Queued(2));
  Append(Queued(1));

  EXPECT_THAT(ReadNow(*live), ElementsAre("queued 1"));
  EXPECT_THAT(ReadNow(*Attach()), ElementsAre("accepted", "queued 1"));
}

TEST_F(EventLogTest, TakesNothingAfterTheEnd) {
  Append(Accepted());
  Append(Finished());
  Append(TextDelta("late"));
  log_->Fail(absl::UnavailableError("late"));

  const auto reader = Attach();
  EXPECT_THAT(ReadNow(*reader), ElementsAre("accepted", "finished", "end"));
  EXPECT_THAT(ReadNow(*reader), ElementsAre("end"));
}

TEST_F(EventLogTest, FailedLogGivesWhatItHasThenItsStatus) {
  Append(Accepted());
  const auto reader = Attach();
  const auto waiting = Attach(kAcceptedIndex);
  Result late;
  Read(*waiting, late);
  log_->Fail(absl::UnavailableError("moved"));
  RunPosted();

  EXPECT_EQ(late.batch->status(), absl::UnavailableError("moved"));
  EXPECT_THAT(ReadNow(*reader), ElementsAre("accepted"));
  Result result;
  Read(*reader, result);
  EXPECT_EQ(result.batch->status(), absl::UnavailableError("moved"));
}

TEST_F(EventLogTest, RefusesAnIndexItHasNotReached) {
  Append(Accepted());

  EXPECT_FALSE(log_->Attach(-1, false).ok());
  EXPECT_FALSE(log_->Attach(PackEventIndex({kEpoch, 1, 1}), false).ok());
  EXPECT_EQ(log_->Attach(PackEventIndex({kEpoch + 1, 1, 1}), false).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->readers(), 0);
}

TEST_F(EventLogTest, TellsWhenTheFirstReaderComesAndTheLastOneGoes) {
  auto one = Attach();
  EXPECT_EQ(reader_changes_, 1);
  auto two = Attach();
  one.reset();
  EXPECT_EQ(reader_changes_, 1);
  EXPECT_EQ(log_->readers(), 1);
  two.reset();
  EXPECT_EQ(reader_changes_, 2);
  EXPECT_EQ(log_->readers(), 0);
}

TEST_F(EventLogTest, HoldsTextOnceHoweverSmallItsDeltas) {
  Append(Accepted());
  const int64_t before = log_->memory_bytes();
  for (int i = 0; i < 10'000; ++i) Append(TextDelta("ab"));

  EXPECT_EQ(log_->text_bytes(), 20'000);
  EXPECT_LT(log_->memory_bytes() - before, 21'000);
}

TEST_F(EventLogTest, GivesTheTextOfAStepInParts) {
  Append(TextDelta("hm", 0, Delta::REASONING));
  Append(TextDelta("yes", 1));
  Append(Queued(1));
  Append(TextDelta(", no", 1));

  const chat::v1::Message message = log_->TextOf(0);

  EXPECT_EQ(message.role(), chat::v1::ASSISTANT);
  ASSERT_EQ(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).reasoning().text(), "hm");
  EXPECT_EQ(message.parts(1).text().text(), "yes, no");
  EXPECT_EQ(log_->TextOf(1).parts_size(), 0);
}

// However the text was appended and wherever readers stop and resume: the same text, once, in
// order.
RC_GTEST_PROP(EventLog, EveryReaderGetsTheWholeTextOnce, ()) {
  const auto chunks = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "é", "漢字", "🙂🙂", "some words "));
  const auto resume_at = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 50));
  boost::asio::io_context io;
  const auto log = EventLog::Create(1, 1, kTime, nullptr);
  log->Append(Accepted(), kTime);
  std::string all;
  int64_t cursor = 0;
  std::string read;
  for (size_t i = 0; i <= chunks.size(); ++i) {
    const bool last = i == chunks.size();
    log->Append(last ? Finished() : TextDelta(chunks[i]), kTime);
    if (!last) all += chunks[i];
    if (!last && std::find(resume_at.begin(), resume_at.end(), i) == resume_at.end()) continue;
    auto reader = log->Attach(cursor, false);
    RC_ASSERT(reader.ok());
    Spawn(InlineExecutor(io), [](EventReader& r, std::string& out) -> Awaitable<void> {
      auto batch = co_await r.Read({});
      for (const TurnEvent& event : batch->events) out += event.delta().text();
    }(**reader, read));
    RC_ASSERT((*reader)->cursor() > cursor);
    cursor = (*reader)->cursor();
  }
  RC_ASSERT(read == all);
}

// One writer, many readers on several threads that leave and come back.
class EventLogThreadsTest : public testing::Test {
 protected:
  static constexpr int kReaders = 8;

  Awaitable<void> Follow(std::string& text) {
    int64_t cursor = 0;
    bool end = false;
    while (!end) {
      const auto reader = log_->Attach(cursor, false);
      const auto batch = co_await (*reader)->Read({});
      for (const TurnEvent& event : batch->events) text += event.delta().text();
      cursor = (*reader)->cursor();
      end = batch->end;
    }
    if (++ended_ == kReaders) work_.reset();
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::atomic<int> changes_ = 0;
  std::shared_ptr<EventLog> log_ = EventLog::Create(1, 1, kTime, [this] { ++changes_; });
  std::atomic<int> ended_ = 0;
};

TEST_F(EventLogThreadsTest, EveryReaderSeesAllText) {
  std::vector<std::string> texts(kReaders);
  for (auto& text : texts) {
    io_.get_executor().execute([&] { Spawn(InlineExecutor(io_), Follow(text)); });
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([this] { io_.run(); });

  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = std::to_string(i) + " ";
    all += text;
    log_->Append(TextDelta(text), kTime);
  }
  log_->Append(Finished(), kTime);
  for (auto& thread : threads) thread.join();

  for (const std::string& text : texts) EXPECT_EQ(text, all);
  EXPECT_EQ(log_->readers(), 0);
  EXPECT_GE(changes_, 2);
}

}  // namespace
}  // namespace penstock::dispatcher
