#include "services/dispatcher/queue/user_line.h"

#include <utility>

namespace penstock::dispatcher {

FairEntry* UserLine::FirstReady() const {
  if (!several_) return only_ != nullptr && only_->ready ? only_ : nullptr;
  return several_->ready.empty() ? nullptr : several_->ready.front().entry;
}

void UserLine::Several::Insert(FairEntry& entry) {
  line.Insert(PlaceOf(entry));
  if (entry.ready) ready.Insert(PlaceOf(entry));
}

size_t UserLine::Before(const FairEntry& entry) const {
  return several_ ? several_->line.Before(PlaceOf(entry)) : 0;
}

FairEntry* UserLine::Previous(const FairEntry& entry) const {
  const Place* previous = several_ ? several_->line.Previous(PlaceOf(entry)) : nullptr;
  return previous == nullptr ? nullptr : previous->entry;
}

void UserLine::Insert(FairEntry& entry) {
  if (empty()) {
    only_ = &entry;
    return;
  }
  if (!several_) {
    several_ = std::make_unique<Several>();
    several_->Insert(*std::exchange(only_, nullptr));
  }
  several_->Insert(entry);
}

void UserLine::Erase(FairEntry& entry) {
  if (!several_) {
    only_ = nullptr;
    return;
  }
  several_->line.Erase(PlaceOf(entry));
  if (entry.ready) several_->ready.Erase(PlaceOf(entry));
  if (several_->line.size() > 1) return;
  only_ = several_->line.front().entry;
  several_.reset();
}

void UserLine::MarkReady(FairEntry& entry) {
  entry.ready = true;
  if (several_) several_->ready.Insert(PlaceOf(entry));
}

UserLine::Cursor::Cursor(const UserLine& line) : only_(line.only_) {
  if (line.several_) several_.emplace(line.several_->line);
}

FairEntry* UserLine::Cursor::Take() {
  if (!several_) return std::exchange(only_, nullptr);
  const Place* place = several_->Peek();
  if (place == nullptr) return nullptr;
  several_->Next();
  return place->entry;
}

}  // namespace penstock::dispatcher
