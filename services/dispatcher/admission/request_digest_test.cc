#include "services/dispatcher/admission/request_digest.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace penstock::dispatcher {
namespace {

chat::v1::TurnSpec Spec(const std::string& text) {
  chat::v1::TurnSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
  return spec;
}

TEST(RequestDigest, IsTheSameForTheSameMeaning) {
  const auto a = Spec(R"(input { text { text: "hi" } }
                         labels { key: "a" value: "1" } labels { key: "b" value: "2" })");
  const auto b = Spec(R"(labels { key: "b" value: "2" } labels { key: "a" value: "1" }
                         input { text { text: "hi" } } create_session: false)");

  EXPECT_EQ(RequestDigest("s1", a), RequestDigest("s1", b));
}

TEST(RequestDigest, DiffersWithSessionAndEveryFieldOfTheSpec) {
  const auto spec = Spec(R"(input { text { text: "hi" } })");
  const std::string digest = RequestDigest("s1", spec);

  EXPECT_NE(digest, RequestDigest("s2", spec));
  EXPECT_NE(digest, RequestDigest("s1", Spec(R"(input { text { text: "hI" } })")));
  EXPECT_NE(digest, RequestDigest("s1", Spec(R"(input { text { text: "hi" } } urgency: BATCH)")));
  EXPECT_NE(digest,
            RequestDigest("s1", Spec(R"(input { text { text: "hi" } } memory { recall: false })")));
  EXPECT_NE(digest, RequestDigest(
                        "s1", Spec(R"(input { text { text: "hi" } } overrides { model: "p/m" })")));
}

TEST(RequestDigest, IgnoresFieldsItDoesNotKnow) {
  auto spec = Spec(R"(input { text { text: "hi" } })");
  const std::string digest = RequestDigest("s1", spec);
  spec.GetReflection()->MutableUnknownFields(&spec)->AddVarint(9999, 1);
  auto* part = spec.mutable_input(0);
  part->GetReflection()->MutableUnknownFields(part)->AddVarint(9999, 1);

  EXPECT_EQ(RequestDigest("s1", spec), digest);
}

TEST(RequestDigest, IsVersionOneFollowedByTheSameBytesForEver) {
  const auto spec = Spec(R"(input { text { text: "hi" } } labels { key: "a" value: "1" })");

  // Written with another language's SHA-256. Changing this line means a new version.
  EXPECT_EQ(absl::BytesToHexString(RequestDigest("s1", spec)),
            "01ebcd6e8c1f6aa615f7a5eead4a2615f5421fc385f2f92f6391b64cd256099a7b");
}

}  // namespace
}  // namespace penstock::dispatcher
