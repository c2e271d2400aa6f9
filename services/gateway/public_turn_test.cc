#include "services/gateway/public_turn.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using google::protobuf::FieldDescriptor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kSecret[] = "signature-of-the-provider";

// Every field of `message` set, at every depth, each Opaque full of the secret; of a oneof, the
// field number `pick` modulo their count.
void Fill(google::protobuf::Message& message, int pick, int depth);

void FillField(google::protobuf::Message& message, const FieldDescriptor& field, int pick,
               int depth) {
  const auto& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field.is_repeated()) {
    reflection.SetString(&message, &field,
                         message.GetTypeName() == "penstock.chat.v1.Opaque" ? kSecret : "x");
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field.is_map()) return;
  if (!field.is_repeated()) return Fill(*reflection.MutableMessage(&message, &field), pick, depth);
  // Parts of all kinds.
  for (int i = 0; i < 8; ++i) Fill(*reflection.AddMessage(&message, &field), pick + i, depth);
}

void Fill(google::protobuf::Message& message, int pick, int depth) {
  if (depth > 8) return;
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const auto* oneof = field.real_containing_oneof();
    if (oneof != nullptr && oneof->field(pick % oneof->field_count()) != &field) continue;
    FillField(message, field, pick, depth + 1);
  }
}

template <class T>
void ExpectCleanedWhateverItHolds(const std::vector<int>& picks_with_secret) {
  for (int pick = 0; pick < 16; ++pick) {
    T message;
    Fill(message, pick, 0);
    const bool had = message.SerializeAsString().find(kSecret) != std::string::npos;
    const bool should = std::find(picks_with_secret.begin(), picks_with_secret.end(), pick % 8) !=
                        picks_with_secret.end();
    EXPECT_EQ(had, should) << pick;

    MakePublic(message);

    EXPECT_THAT(message.SerializeAsString(), Not(HasSubstr(kSecret))) << pick;
  }
}

TEST(PublicTurn, TakesTheSecretsOutOfEveryPlaceThatTheContractHas) {
  ExpectCleanedWhateverItHolds<chat::v1::Turn>({0, 1, 2, 3, 4, 5, 6, 7});
  ExpectCleanedWhateverItHolds<v1::ListTurnsResponse>({0, 1, 2, 3, 4, 5, 6, 7});
  // StepFinished and Finished are fields 4 and 7 of the event's oneof; no other event has parts.
  ExpectCleanedWhateverItHolds<chat::v1::TurnEvent>({4, 7});
}

Message MessageWithSecrets() {
  Message message;
  message.set_role(chat::v1::ASSISTANT);
  message.add_parts()->mutable_opaque()->set_data(kSecret);
  auto* thought = message.add_parts()->mutable_reasoning();
  thought->set_text("hm");
  thought->mutable_state()->set_data(kSecret);
  message.add_parts()->mutable_text()->set_text("Hello.");
  return message;
}

std::vector<std::string> KindsOf(const Message& message) {
  std::vector<std::string> kinds;
  for (const Part& part : message.parts()) {
    kinds.push_back(absl::StrCat(part.kind_case(), part.text().text(), part.reasoning().text()));
  }
  return kinds;
}

TEST(PublicTurn, KeepsEveryPartInItsPlace) {
  chat::v1::TurnEvent event;
  *event.mutable_step_finished()->mutable_message() = MessageWithSecrets();
  chat::v1::Turn turn;
  *turn.add_output() = MessageWithSecrets();

  MakePublic(event);
  MakePublic(turn);

  const auto places = ElementsAre("0", "6hm", "1Hello.");
  EXPECT_THAT(KindsOf(event.step_finished().message()), places);
  EXPECT_THAT(KindsOf(turn.output(0)), places);
}

TEST(PublicTurn, KeepsAMessageThatHoldsNothingElse) {
  chat::v1::Turn turn;
  turn.add_output()->add_parts()->mutable_opaque()->set_data(kSecret);
  turn.add_output()->add_parts()->mutable_text()->set_text("Hello.");

  MakePublic(turn);

  ASSERT_EQ(turn.output_size(), 2);
  EXPECT_EQ(turn.output(0).parts_size(), 1);
  EXPECT_EQ(turn.output(0).parts(0).kind_case(), Part::KIND_NOT_SET);
}

TEST(PublicTurn, LeavesAnEventWithoutPartsAsItIs) {
  chat::v1::TurnEvent event;
  event.set_index(7);
  event.mutable_delta()->set_text("Hel");
  const std::string before = event.SerializeAsString();

  MakePublic(event);

  EXPECT_EQ(event.SerializeAsString(), before);
}

}  // namespace
}  // namespace penstock::gateway
