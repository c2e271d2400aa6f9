// What the guard says of a turn's input and of how it is to be generated.
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/gateway/input_guard.h"

namespace penstock::gateway {
namespace {

using Request = v1::RunTurnRequest;
using Spoil = std::function<void(Request&)>;
using testing::HasSubstr;

const std::string kPng = "\x89PNG\r\n\x1a\n";

config::v1::Config Settings() {
  config::v1::Config config;
  config.mutable_turn()->set_max_input_bytes(1000);
  config.mutable_turn()->set_max_input_parts(3);
  config.mutable_turn()->set_max_tool_schema_bytes(100);
  return config;
}

Request Good() {
  Request request;
  request.mutable_turn()->add_input()->mutable_text()->set_text("What is on it?");
  return request;
}

absl::Status Answer(const Spoil& spoil) {
  const config::v1::Config config = Settings();
  Request request = Good();
  spoil(request);
  return InputGuard(config).Check(request);
}

chat::v1::Image& AddImage(Request& request) {
  return *request.mutable_turn()->add_input()->mutable_image();
}

Spoil WithData(const std::string& media_type, const std::string& data) {
  return [=](Request& request) {
    chat::v1::Image& image = AddImage(request);
    image.set_media_type(media_type);
    image.set_data(data);
  };
}

Spoil WithUrl(const std::string& media_type, const std::string& url) {
  return [=](Request& request) {
    chat::v1::Image& image = AddImage(request);
    image.set_media_type(media_type);
    image.set_url(url);
  };
}

chat::v1::GenerationConfig& GenerationOf(Request& request) {
  return *request.mutable_turn()->mutable_overrides()->mutable_generation();
}

Spoil WithSchema(const std::string& name, const std::string& schema) {
  return [=](Request& request) {
    auto& format = *GenerationOf(request).mutable_response_format()->mutable_json_schema();
    format.set_name(name);
    format.set_schema(schema);
  };
}

struct Case {
  Spoil spoil;
  std::string field;
  std::string reason = "FIELD_INVALID";
};

void ExpectRefused(const std::vector<Case>& cases) {
  for (size_t i = 0; i < cases.size(); ++i) {
    const absl::Status status = Answer(cases[i].spoil);

    EXPECT_EQ(ReasonOf(status), cases[i].reason) << i << ": " << status;
    EXPECT_EQ(MetadataOf(status, "field"), cases[i].field) << i << ": " << status;
  }
}

TEST(InputGuardTurn, TakesImagesOfTheFourTypesBesideText) {
  const std::vector<Spoil> good = {WithData("image/png", kPng + "IHDR"),
                                   WithData("image/jpeg", "\xff\xd8\xff\xe0"),
                                   WithData("image/gif", "GIF89a"),
                                   WithData("image/webp", "RIFF1234WEBPVP8 "),
                                   WithUrl("", "https://a.example/cat.png"),
                                   WithUrl("image/png", "https://a.example/cat.png"),
                                   [](Request& request) {
                                     WithData("image/png", kPng)(request);
                                     WithUrl("", "https://a.example/")(request);
                                   }};
  for (size_t i = 0; i < good.size(); ++i) {
    const absl::Status status = Answer(good[i]);
    EXPECT_TRUE(status.ok()) << i << ": " << status;
  }
}

TEST(InputGuardTurn, RefusesImagesNamingTheField) {
  ExpectRefused({{WithData("", kPng), "turn.input[1].image.media_type"},
                 {WithData("image/svg+xml", "<svg/>"), "turn.input[1].image.media_type"},
                 {WithData("image/png", ""), "turn.input[1].image.data"},
                 {WithData("image/png", "GIF89a"), "turn.input[1].image.data"},
                 {WithData("image/png", "<html>"), "turn.input[1].image.data"},
                 {WithUrl("image/svg+xml", "https://a/"), "turn.input[1].image.media_type"},
                 {WithUrl("", ""), "turn.input[1].image.url"},
                 {WithUrl("", "http://a.example/"), "turn.input[1].image.url"},
                 {WithUrl("", "https://a/" + std::string(2039, 'x')), "turn.input[1].image.url"},
                 {[](Request& request) { AddImage(request).set_media_type("image/png"); },
                  "turn.input[1].image"}});
}

TEST(InputGuardTurn, SaysWhatTheFileIsWhenItsTypeSaysOtherwise) {
  const absl::Status status = Answer(WithData("image/png", "GIF89a"));

  EXPECT_EQ(MetadataOf(status, "found"), "bytes of image/gif");
  EXPECT_THAT(MetadataOf(status, "allowed"), HasSubstr("image/png"));
}

TEST(InputGuardTurn, AnImageNeedsTextBesideIt) {
  ExpectRefused({{[](Request& request) {
                    request.mutable_turn()->clear_input();
                    WithData("image/png", kPng)(request);
                  },
                  "turn.input"}});
}

TEST(InputGuardTurn, RefusesPartsThatOnlyModelsAndToolsMake) {
  ExpectRefused(
      {{[](Request& q) { q.mutable_turn()->add_input()->mutable_opaque(); }, "turn.input[1]"},
       {[](Request& q) { q.mutable_turn()->add_input()->mutable_reasoning(); }, "turn.input[1]"},
       {[](Request& q) { q.mutable_turn()->add_input()->mutable_refusal(); }, "turn.input[1]"},
       {[](Request& q) { q.mutable_turn()->add_input()->mutable_tool_call(); }, "turn.input[1]"},
       {[](Request& q) { q.mutable_turn()->add_input()->mutable_tool_result(); },
        "turn.input[1]"}});
}

TEST(InputGuardTurn, RefusesNumbersOutOfTheirRanges) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::string path = "turn.overrides.generation.";
  ExpectRefused(
      {{[](Request& q) { GenerationOf(q).set_max_output_tokens(0); }, path + "max_output_tokens"},
       {[](Request& q) { GenerationOf(q).set_temperature(2.1); }, path + "temperature"},
       {[](Request& q) { GenerationOf(q).set_temperature(kNan); }, path + "temperature"},
       {[](Request& q) { GenerationOf(q).set_top_p(-0.1); }, path + "top_p"},
       {[](Request& q) { GenerationOf(q).set_presence_penalty(3); }, path + "presence_penalty"},
       {[](Request& q) { GenerationOf(q).set_frequency_penalty(-3); },
        path + "frequency_penalty"}});
}

TEST(InputGuardTurn, RefusesStopsThatStopAtOnceOrAreTooMany) {
  const std::string path = "turn.overrides.generation.stop";
  ExpectRefused({{[](Request& q) {
                    GenerationOf(q).add_stop("END");
                    GenerationOf(q).add_stop("");
                  },
                  path + "[1]"},
                 {[](Request& q) {
                    for (int i = 0; i < 5; ++i) GenerationOf(q).add_stop("END");
                  },
                  path},
                 {[](Request& q) { GenerationOf(q).add_stop(std::string(257, 'x')); }, path + "[0]",
                  "TOO_LARGE"}});
}

TEST(InputGuardTurn, ASchemaHasANameAndIsAnObject) {
  const std::string path = "turn.overrides.generation.response_format.json_schema.";
  EXPECT_TRUE(Answer(WithSchema("Weather_1-a", "{}")).ok());
  EXPECT_TRUE(Answer(WithSchema(std::string(64, 'a'), R"({"type":"object"})")).ok());
  ExpectRefused({{WithSchema("", "{}"), path + "name"},
                 {WithSchema("a b", "{}"), path + "name"},
                 {WithSchema(std::string(65, 'a'), "{}"), path + "name"},
                 {WithSchema("a", ""), path + "schema"},
                 {WithSchema("a", "[]"), path + "schema"},
                 {WithSchema("a", R"({"type":)"), path + "schema"},
                 {WithSchema("a", std::string(101, ' ')), path + "schema", "TOO_LARGE"}});
}

TEST(InputGuardTurn, NeverRepeatsALongTextOfTheCaller) {
  const absl::Status tool = Answer([](Request& request) {
    GenerationOf(request).mutable_tool_choice()->set_tool(std::string(100'000, 'x'));
  });
  const absl::Status url = Answer(WithUrl("", std::string(100'000, 'x')));

  EXPECT_LT(ToRpcStatus(tool).ByteSizeLong(), 1000u) << ReasonOf(tool);
  EXPECT_EQ(MetadataOf(tool, "field"), "turn.overrides.generation.tool_choice.tool");
  EXPECT_LT(ToRpcStatus(url).ByteSizeLong(), 1000u) << ReasonOf(url);
}

}  // namespace
}  // namespace penstock::gateway
