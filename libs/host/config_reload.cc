#include "libs/host/config_reload.h"

#include <google/protobuf/util/message_differencer.h>

#include "absl/algorithm/container.h"

namespace penstock::host {
namespace {

using config::v1::Config;
using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;

// What Service::Reload promises to take over.
constexpr const char* kReloadable[] = {"queue", "tenants", "tiers"};

bool IsReloadable(const FieldDescriptor& section) {
  return absl::c_linear_search(kReloadable, section.name());
}

bool Differs(const Config& before, const Config& after, const FieldDescriptor& section) {
  MessageDifferencer differencer;
  return !differencer.CompareWithFields(before, after, {&section}, {&section});
}

template <class Visit>
void ForEachSection(const Visit& visit) {
  const auto& descriptor = *Config::descriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) visit(*descriptor.field(i));
}

}  // namespace

ChangedSections Compare(const Config& before, const Config& after) {
  ChangedSections changed;
  ForEachSection([&](const FieldDescriptor& section) {
    if (!Differs(before, after, section)) return;
    (IsReloadable(section) ? changed.now : changed.at_next_start).push_back(section.name());
  });
  return changed;
}

Config Reloaded(const Config& before, const Config& after) {
  Config merged = before;
  Config newer = after;
  std::vector<const FieldDescriptor*> sections;
  ForEachSection([&](const FieldDescriptor& section) {
    if (IsReloadable(section)) sections.push_back(&section);
  });
  merged.GetReflection()->SwapFields(&merged, &newer, sections);
  return merged;
}

}  // namespace penstock::host
