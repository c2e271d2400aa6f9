#include "services/cli/queue_view.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"
#include "services/cli/output.h"
#include "services/cli/refusal_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

using dispatcher::v1::ClassLoad;
using dispatcher::v1::LaneLoad;
using dispatcher::v1::Load;
using dispatcher::v1::PoolLoad;

constexpr double kLeastRate = 0.05;

std::string RateText(double per_second) {
  if (per_second < kLeastRate) return "0";
  return per_second < 10 ? absl::StrFormat("%.1f", per_second)
                         : absl::StrFormat("%.0f", per_second);
}

std::string TimeOf(const google::protobuf::Duration& duration) {
  return DurationText(absl::ToDoubleSeconds(FromProto(duration)));
}

std::string WaitOf(bool present, const google::protobuf::Duration& duration) {
  return present ? TimeOf(duration) : "-";
}

std::string EtaOf(const google::protobuf::Duration& eta) {
  return FromProto(eta) == absl::ZeroDuration() ? "now" : TimeOf(eta);
}

std::string NameOf(chat::v1::TurnClass turn_class) {
  return std::string(absl::StripPrefix(chat::v1::TurnClass_Name(turn_class), "CLASS_"));
}

struct Column {
  absl::string_view heading;
  // The highest go first; 0 never goes.
  int goes;
  std::string (*value)(const ClassLoad&);
};

constexpr Column kColumns[] = {
    {"CLASS", 0, [](const ClassLoad& load) { return NameOf(load.turn_class()); }},
    {"WAITING", 0, [](const ClassLoad& load) { return absl::StrCat(load.waiting()); }},
    {"READY", 5, [](const ClassLoad& load) { return absl::StrCat(load.ready()); }},
    {"RUNNING", 0, [](const ClassLoad& load) { return absl::StrCat(load.running()); }},
    {"OLDEST", 0,
     [](const ClassLoad& load) { return WaitOf(load.has_oldest_wait(), load.oldest_wait()); }},
    {"IN/S", 3, [](const ClassLoad& load) { return RateText(load.arrivals_per_second()); }},
    {"STARTS/S", 4, [](const ClassLoad& load) { return RateText(load.starts_per_second()); }},
    {"WAIT P50", 6,
     [](const ClassLoad& load) { return WaitOf(load.has_wait_p50(), load.wait_p50()); }},
    {"WAIT P90", 8,
     [](const ClassLoad& load) { return WaitOf(load.has_wait_p90(), load.wait_p90()); }},
    {"ETA P50", 1, [](const ClassLoad& load) { return EtaOf(load.eta_p50()); }},
    {"ETA P90", 7, [](const ClassLoad& load) { return EtaOf(load.eta_p90()); }},
    {"REFUSED/S", 2, [](const ClassLoad& load) { return RateText(load.refused_per_second()); }}};

using Row = std::vector<std::string>;

// The classes of all pools have the same columns, as wide as their widest value.
class ClassTable {
 public:
  ClassTable(const Load& load, size_t width) {
    for (const Column& column : kColumns) columns_.push_back({column, column.heading.size()});
    for (const PoolLoad& pool : load.pools()) {
      for (const ClassLoad& its : pool.classes()) Widen(its);
    }
    while (Width() > width && DropOne()) {
    }
  }

  std::string Heading() const {
    return Line([](const Column& column) { return std::string(column.heading); });
  }
  std::string RowOf(const ClassLoad& load) const {
    return Line([&load](const Column& column) { return column.value(load); });
  }

 private:
  struct Fitted {
    Column column;
    size_t width;
  };
  static constexpr size_t kGap = 2;

  void Widen(const ClassLoad& load) {
    for (Fitted& fitted : columns_) {
      fitted.width = std::max(fitted.width, fitted.column.value(load).size());
    }
  }

  size_t Width() const {
    size_t width = 0;
    for (const Fitted& fitted : columns_) width += kGap + fitted.width;
    return width;
  }

  bool DropOne() {
    const auto first = std::max_element(
        columns_.begin(), columns_.end(),
        [](const Fitted& a, const Fitted& b) { return a.column.goes < b.column.goes; });
    if (first->column.goes == 0) return false;
    columns_.erase(first);
    return true;
  }

  // The class is aligned to the left, numbers to the right.
  template <class Value>
  std::string Line(const Value& value_of) const {
    std::string line;
    for (const Fitted& fitted : columns_) {
      const std::string value = value_of(fitted.column);
      const std::string margin(fitted.width - value.size(), ' ');
      const bool is_first = &fitted == &columns_.front();
      absl::StrAppend(&line, std::string(kGap, ' '), is_first ? value : margin,
                      is_first ? margin : value);
    }
    return line;
  }

  std::vector<Fitted> columns_;
};

bool IsIdle(const ClassLoad& load) {
  return load.waiting() == 0 && load.running() == 0 && load.arrivals_per_second() < kLeastRate &&
         load.starts_per_second() < kLeastRate && load.refused_per_second() < kLeastRate;
}

bool IsIdle(const PoolLoad& pool) {
  return pool.in_flight() == 0 && std::all_of(pool.classes().begin(), pool.classes().end(),
                                              [](const ClassLoad& load) { return IsIdle(load); });
}

// ", rate 70 %, paused 3 s": of a pool or a lane.
template <class Limited>
std::string TroubleOf(const Limited& limited) {
  std::string trouble;
  if (limited.rate_factor() < 0.995) {
    absl::StrAppend(&trouble, absl::StrFormat(", rate %.0f %%", limited.rate_factor() * 100));
  }
  if (limited.has_pause()) absl::StrAppend(&trouble, ", paused ", TimeOf(limited.pause()));
  return trouble;
}

std::string TroubleOfLane(const LaneLoad& lane) {
  std::string trouble = TroubleOf(lane);
  if (lane.breaker() == LaneLoad::OPEN) absl::StrAppend(&trouble, ", breaker open");
  if (lane.breaker() == LaneLoad::HALF_OPEN) absl::StrAppend(&trouble, ", breaker half-open");
  return trouble;
}

std::string InFlightOf(int64_t in_flight, int64_t concurrency) {
  return absl::StrCat(in_flight, " of ", concurrency, " in flight");
}

// What the adapters have to do with it; "" while they take every call.
std::string AdaptersOf(const PoolLoad& pool) {
  if (pool.runnable() == 0) return "";
  return absl::StrCat(", ", pool.runnable(), " want adapters");
}

std::string PoolLine(const PoolLoad& pool) {
  if (IsIdle(pool)) return absl::StrCat(pool.name(), "  idle", TroubleOf(pool));
  return absl::StrCat(pool.name(), "  ", pool.waiting(), " waiting, ", pool.ready(), " ready, ",
                      InFlightOf(pool.in_flight(), pool.concurrency()), ", up to ",
                      RateText(pool.possible_starts_per_second()), " starts/s", AdaptersOf(pool),
                      TroubleOf(pool));
}

void AddLanes(const PoolLoad& pool, std::vector<ScreenLine>& lines) {
  size_t width = 0;
  for (const LaneLoad& lane : pool.lanes()) width = std::max(width, lane.name().size());
  for (const LaneLoad& lane : pool.lanes()) {
    const std::string trouble = TroubleOfLane(lane);
    if (IsIdle(pool) && trouble.empty()) continue;
    const std::string margin(width - lane.name().size(), ' ');
    lines.push_back({absl::StrCat("  lane ", lane.name(), margin, "  ",
                                  InFlightOf(lane.in_flight(), lane.concurrency()), trouble)});
  }
}

std::string TitleOf(const Load& load) {
  int64_t waiting = 0;
  int64_t in_flight = 0;
  for (const PoolLoad& pool : load.pools()) {
    waiting += pool.waiting();
    in_flight += pool.in_flight();
  }
  return absl::StrCat(TimeText(load.has_time(), load.time()), "  ", load.pools_size(),
                      load.pools_size() == 1 ? " pool, " : " pools, ", waiting, " waiting, ",
                      in_flight, " in flight");
}

}  // namespace

std::vector<ScreenLine> QueueView(const Load& load, size_t width) {
  const ClassTable table(load, width);
  std::vector<const PoolLoad*> pools;
  for (const PoolLoad& pool : load.pools()) pools.push_back(&pool);
  std::sort(pools.begin(), pools.end(),
            [](const PoolLoad* a, const PoolLoad* b) { return a->name() < b->name(); });
  std::vector<ScreenLine> lines = {{TitleOf(load), true}};
  bool below_idle = false;
  for (const PoolLoad* pool : pools) {
    const bool idle = IsIdle(*pool);
    if (!idle || !below_idle) lines.push_back({});
    below_idle = idle;
    lines.push_back({PoolLine(*pool), true});
    AddLanes(*pool, lines);
    if (idle) continue;
    lines.push_back({table.Heading()});
    for (const ClassLoad& its : pool->classes()) lines.push_back({table.RowOf(its)});
  }
  return lines;
}

std::string QueueText(const Load& load) {
  std::string text;
  for (const ScreenLine& line : QueueView(load)) absl::StrAppend(&text, line.text, "\n");
  return text;
}

}  // namespace penstock::cli
