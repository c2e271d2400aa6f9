// No message between services, and no public request, can name a user: a caller's bug cannot ask
// for another user's data. And no public answer but those that are cleaned can hold what only a
// provider can read.

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mesh/contracts.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::mesh {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

bool SaysWhose(absl::string_view field_name) {
  static const std::set<std::string> kWords = {"tenant",    "user",     "owner",
                                               "principal", "account",  "subject",
                                               "caller",    "customer", "impersonate"};
  const std::string name = absl::AsciiStrToLower(field_name);
  for (const absl::string_view part : absl::StrSplit(name, '_')) {
    if (kWords.contains(std::string(absl::StripSuffix(part, "s")))) return true;
  }
  return absl::StrContains(name, "tenant") || absl::StrContains(name, "userid") ||
         absl::StrContains(name, "username");
}

void Search(const Descriptor& message, const std::string& path, std::set<const Descriptor*>& seen,
            std::vector<std::string>& found) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string here = absl::StrCat(path, ".", field.name());
    if (SaysWhose(field.name())) found.push_back(here);
    if (field.message_type() != nullptr) Search(*field.message_type(), here, seen, found);
  }
}

// Paths of fields that say whose something is, at any depth.
std::vector<std::string> NamesOfUsers(const Descriptor& message) {
  std::set<const Descriptor*> seen;
  std::vector<std::string> found;
  Search(message, message.name(), seen, found);
  return found;
}

TEST(Descriptors, NoMessageOfSessionStateOrMemoryRecallCanNameAUser) {
  for (const absl::string_view package : {"penstock.session.v1", "penstock.memory.v1"}) {
    const auto messages = MessagesOf(package);
    EXPECT_GT(messages.size(), 10) << package;
    for (const Descriptor* message : messages) EXPECT_THAT(NamesOfUsers(*message), IsEmpty());
  }
}

TEST(Descriptors, NoRequestOfAnyServiceCanNameAUser) {
  int requests = 0;
  for (const auto* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      EXPECT_THAT(NamesOfUsers(*method.input_type()), IsEmpty()) << method.full_name();
      ++requests;
    }
  }
  EXPECT_GE(requests, 40);
}

// Whether a message can hold one of `wanted`, at any depth.
bool Holds(const Descriptor& message, absl::string_view wanted, std::set<const Descriptor*>& seen) {
  if (message.full_name() == wanted) return true;
  if (!seen.insert(&message).second) return false;
  for (int i = 0; i < message.field_count(); ++i) {
    const Descriptor* field = message.field(i)->message_type();
    if (field != nullptr && Holds(*field, wanted, seen)) return true;
  }
  return false;
}

TEST(Descriptors, WhatOnlyAProviderCanReadHasRoomInTheAnswersThatAreCleanedAlone) {
  std::set<std::string> found;
  for (const auto* service : AllServices()) {
    const std::string& name = service->full_name();
    if (!absl::StartsWith(name, "penstock.gateway.v1.") &&
        name != "penstock.dispatcher.v1.Operations") {
      continue;
    }
    for (int i = 0; i < service->method_count(); ++i) {
      std::set<const Descriptor*> seen;
      if (Holds(*service->method(i)->output_type(), "penstock.chat.v1.Opaque", seen)) {
        found.insert(service->method(i)->full_name());
      }
    }
  }

  std::set<std::string> cleaned;
  for (const char* rpc : {"StreamTurn", "RunTurn", "SubmitTurn", "WatchTurn", "SubmitToolResults",
                          "CancelTurn", "GetTurn", "ListTurns"}) {
    cleaned.insert(absl::StrCat("penstock.gateway.v1.Turns.", rpc));
  }
  EXPECT_EQ(found, cleaned) << "a new one needs MakePublic (services/gateway/public_turn.h) and a "
                               "question in gateway_private_parts_test.cc";
}

TEST(Descriptors, TheRuleSeesWhatItLooksFor) {
  // The dispatcher's own journal names users; no RPC carries it.
  const Descriptor* job = Contracts().FindMessageTypeByName("penstock.dispatcher.v1.Job");
  ASSERT_NE(job, nullptr);
  EXPECT_THAT(NamesOfUsers(*job), testing::ElementsAre("Job.tenant", "Job.user"));

  for (const absl::string_view name : {"tenant", "user_id", "for_users", "owner", "tenantName"}) {
    EXPECT_TRUE(SaysWhose(name)) << name;
  }
  for (const absl::string_view name : {"usage", "instructions", "used_tokens", "name", "s"}) {
    EXPECT_FALSE(SaysWhose(name)) << name;
  }
}

}  // namespace
}  // namespace penstock::mesh
