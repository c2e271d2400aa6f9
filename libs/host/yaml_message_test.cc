#include "libs/host/yaml_message.h"

#include <cstdlib>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "penstock/config/v1/config.pb.h"
#include "penstock/config/v1/setting.pb.h"

namespace penstock::host {
namespace {

using config::v1::Config;
using testing::HasSubstr;
using testing::Not;

absl::Status Read(absl::string_view yaml, Config& config) {
  return ReadYaml(yaml, "test.yaml", config);
}

TEST(ReadYaml, GivesEveryAbsentSectionItsDefaults) {
  Config config;

  ASSERT_TRUE(Read("", config).ok());

  EXPECT_EQ(config.data_dir(), "data");
  EXPECT_EQ(config.process().block_cache_bytes(), 64 << 20);
  EXPECT_EQ(config.turn().max_input_bytes(), 256 << 10);
  EXPECT_EQ(config.turn().max_duration().seconds(), 600);
  EXPECT_EQ(config.recall().timeout().nanos(), 150000000);
  EXPECT_EQ(config.recall().recency_weight(), 0.1);
  EXPECT_TRUE(config.journal().sync());
  EXPECT_FALSE(config.endpoints().insecure());
}

TEST(ReadYaml, GivesDefaultsBesideWhatASectionSays) {
  Config config;

  ASSERT_TRUE(Read("turn: {max_attempts: 5, max_duration: 1h30m}\nstream:\n", config).ok());

  EXPECT_EQ(config.turn().max_attempts(), 5);
  EXPECT_EQ(config.turn().max_duration().seconds(), 5400);
  EXPECT_EQ(config.turn().max_starts(), 3);
  EXPECT_EQ(config.stream().delta_bytes(), 256);
}

TEST(ReadYaml, GivesDefaultsInsideListsButMakesNoOptionalMessageThere) {
  Config config;

  ASSERT_TRUE(
      Read("models: [{name: a/b}, {name: a/c, price: {input: 1, output: 2, cache_read: 0}}]\n"
           "agents: [{id: default, model: a/b}]",
           config)
          .ok());

  EXPECT_EQ(config.models(0).concurrency(), 64);
  EXPECT_FALSE(config.models(0).has_price());
  EXPECT_TRUE(config.models(1).price().has_cache_read());
  EXPECT_FALSE(config.models(1).price().has_cache_write());
  EXPECT_TRUE(config.agents(0).recall());
  EXPECT_FALSE(config.agents(0).has_generation());
}

TEST(ReadYaml, KeepsWhichOptionalFieldsWereWritten) {
  Config config;

  ASSERT_TRUE(
      Read("agents:\n"
           "- id: default\n"
           "  model: a/b\n"
           "  generation: {temperature: 0, stop: [END], response_format: {json_object: {}}}\n",
           config)
          .ok());

  const auto& generation = config.agents(0).generation();
  EXPECT_TRUE(generation.has_temperature());
  EXPECT_FALSE(generation.has_top_p());
  EXPECT_EQ(generation.stop(0), "END");
  EXPECT_TRUE(generation.response_format().has_json_object());
}

TEST(ReadYaml, TakesANullForAbsent) {
  Config config;

  ASSERT_TRUE(Read("data_dir:\nproviders: null\nturn: ~\n", config).ok());

  EXPECT_EQ(config.data_dir(), "data");
  EXPECT_EQ(config.turn().max_attempts(), 3);
}

struct Mistake {
  const char* yaml;
  const char* error;
};

class ReadYamlRefuses : public testing::TestWithParam<Mistake> {};

TEST_P(ReadYamlRefuses, NamingPathFoundAndAllowed) {
  Config config;

  const absl::Status status = Read(GetParam().yaml, config);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::string_view(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, ReadYamlRefuses,
    testing::Values(
        Mistake{"\nturn:\n  disconect_grace: 5s\n",
                "test.yaml: turn.disconect_grace (line 3): unknown key; did you mean "
                "disconnect_grace?"},
        Mistake{"drain: {colour: red}",
                "test.yaml: drain.colour (line 1): unknown key; known are timeout, delay"},
        Mistake{"models:\n- name: a/b\n- name: a/c\n  concurency: 2\n",
                "test.yaml: models[1].concurency (line 4): unknown key; did you mean concurrency?"},
        Mistake{"\n\nfoo\n", "test.yaml: (line 3): found a single value, allowed a map"},
        Mistake{"data_dir: a\ndata_dir: b\n",
                "test.yaml: data_dir (line 2): this key stands twice"},
        Mistake{"turn:\nturn:\n", "test.yaml: turn (line 2): this key stands twice"},
        Mistake{"? [a, b]\n: c\n", "test.yaml: (line 1): found a list as a key"},
        Mistake{"turn: []", "test.yaml: turn (line 1): found a list, allowed a map"},
        Mistake{"agents: {}", "test.yaml: agents (line 1): found a map, allowed a list"},
        Mistake{"data_dir: [a]", "test.yaml: data_dir (line 1): found a list, allowed text"},
        Mistake{"identity: {issuers: [{issuer: x, tenants: [a, ~]}]}",
                "test.yaml: identity.issuers[0].tenants[1] (line 1): found nothing, allowed text"},
        Mistake{"turn: {max_attempts: many}",
                "test.yaml: turn.max_attempts (line 1): found \"many\", allowed a whole number"},
        Mistake{"turn: {max_attempts: 11}",
                "test.yaml: turn.max_attempts (line 1): found \"11\", allowed 1 to 10"},
        Mistake{"turn: {max_attempts: 1.5}",
                "test.yaml: turn.max_attempts (line 1): found \"1.5\", allowed a whole number"},
        Mistake{
            "turn: {max_waiting: 3000000000}",
            "test.yaml: turn.max_waiting (line 1): found \"3000000000\", allowed a whole number"},
        Mistake{"turn: {max_duration: 30}",
                "test.yaml: turn.max_duration (line 1): found \"30\", allowed a duration such as "
                "150ms, 5s, 10m or 24h"},
        Mistake{"turn: {max_duration: inf}",
                "test.yaml: turn.max_duration (line 1): found \"inf\", allowed a duration such as "
                "150ms, 5s, 10m or 24h"},
        Mistake{"turn: {max_duration: 0}",
                "test.yaml: turn.max_duration (line 1): found \"0\", allowed at least 1ms"},
        Mistake{"identity: {leeway: 2m}",
                "test.yaml: identity.leeway (line 1): found \"2m\", allowed 0 to 1m"},
        Mistake{
            "turn: {max_input_bytes: 1.5MiB}",
            "test.yaml: turn.max_input_bytes (line 1): found \"1.5MiB\", allowed bytes, such as "
            "4096, 256KiB or 1MiB"},
        Mistake{"process: {block_cache_bytes: 1KiB}",
                "test.yaml: process.block_cache_bytes (line 1): found \"1KiB\", allowed at least "
                "1MiB"},
        Mistake{"recall: {recency_weight: nan}",
                "test.yaml: recall.recency_weight (line 1): found \"nan\", allowed a number"},
        Mistake{"recall: {recency_weight: 1.01}",
                "test.yaml: recall.recency_weight (line 1): found \"1.01\", allowed 0 to 1"},
        Mistake{"journal: {sync: yes}",
                "test.yaml: journal.sync (line 1): found \"yes\", allowed true or false"},
        Mistake{"agents:\n- id: default\n",
                "test.yaml: agents[0].model (line 2): required, and absent"},
        Mistake{"agents:\n- id: ''\n",
                "test.yaml: agents[0].id (line 2): required, found empty text"},
        Mistake{"models: [{name: a/b, price: {input: 1}}]",
                "test.yaml: models[0].price.output (line 1): required, and absent"},
        Mistake{"agents: [{id: a, model: b, generation: {response_format: {json_object: {}, "
                "json_schema: {}}}}]",
                "test.yaml: agents[0].generation.response_format.json_schema (line 1): excludes "
                "json_object, which is set too"},
        Mistake{"data_dir: a\n---\ndata_dir: b\n",
                "test.yaml: found a second YAML document at line 2, column 1, allowed one"},
        // The parser is at its wits' end with a comma outside of a flow.
        Mistake{",data_dir: {a\n",
                "test.yaml: found a second YAML document at line 1, column 1, allowed one"},
        Mistake{"[a, b]\n,",
                "test.yaml: found a second YAML document at line 2, column 1, allowed one"},
        Mistake{"identity: {grant_root: \"${PENSTOCK_TEST_ABSENT}\"}",
                "test.yaml: identity.grant_root (line 1): the environment variable "
                "PENSTOCK_TEST_ABSENT is not set or empty"}));

TEST(ReadYaml, LeavesAnAbsentSectionAbsentWhenSomethingInItMustBeGiven) {
  Config config;
  constexpr char kIssuers[] = "identity: {issuers: [{issuer: a}, {issuer: b, jwks: {url: u}}]}";

  ASSERT_TRUE(Read(kIssuers, config).ok());

  EXPECT_FALSE(config.identity().issuers(0).has_jwks());
  EXPECT_EQ(config.identity().issuers(1).jwks().max_keys(), 64);
  EXPECT_EQ(Read("identity: {issuers: [{issuer: a, jwks: {max_keys: 1}}]}", config).message(),
            "test.yaml: identity.issuers[0].jwks.url (line 1): required, and absent");
}

TEST(ReadYaml, SaysWhereTextIsNoYaml) {
  Config config;

  const absl::Status status = Read("turn:\n  max_attempts: [1\n", config);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("test.yaml: no valid YAML: line "));
}

TEST(ReadYaml, TakesASecretFromTheEnvironmentAndNothingElse) {
  ASSERT_EQ(setenv("PENSTOCK_TEST_SECRET", "s3cret", 1), 0);
  Config config;

  ASSERT_TRUE(Read("data_dir: ${PENSTOCK_TEST_SECRET}\n"
                   "identity: {grant_root: \"${PENSTOCK_TEST_SECRET}\", grant_key: plain}",
                   config)
                  .ok());

  EXPECT_EQ(config.identity().grant_root(), "s3cret");
  EXPECT_EQ(config.identity().grant_key(), "plain");
  EXPECT_EQ(config.data_dir(), "${PENSTOCK_TEST_SECRET}");
}

// Kinds of field that the configuration does not use yet: a FileDescriptorProto.
constexpr char kSchema[] = R"(
  name: "schema.proto" syntax: "proto3"
  dependency: "google/protobuf/duration.proto"
  enum_type {
    name: "Colour"
    value { name: "UNSPECIFIED" number: 0 }
    value { name: "RED" number: 1 }
    value { name: "BLUE" number: 2 }
  }
  message_type {
    name: "Lane"
    field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "weight" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL
            options { [penstock.config.v1.setting] { default: "7" max: 9 } } }
  }
  message_type {
    name: "Schema"
    field { name: "colour" number: 1 type: TYPE_ENUM label: LABEL_OPTIONAL type_name: ".Colour"
            options { [penstock.config.v1.setting] { default: "BLUE" } } }
    field { name: "colours" number: 2 type: TYPE_ENUM label: LABEL_REPEATED type_name: ".Colour" }
    field { name: "lanes" number: 3 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".Schema.LanesEntry" }
    field { name: "weights" number: 4 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".Schema.WeightsEntry" }
    field { name: "pauses" number: 5 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".google.protobuf.Duration" }
    field { name: "sizes_bytes" number: 6 type: TYPE_INT64 label: LABEL_REPEATED }
    field { name: "flags" number: 7 type: TYPE_BOOL label: LABEL_REPEATED }
    field { name: "shares" number: 8 type: TYPE_DOUBLE label: LABEL_REPEATED }
    nested_type {
      name: "LanesEntry" options { map_entry: true }
      field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "value" number: 2 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".Lane" }
    }
    nested_type {
      name: "WeightsEntry" options { map_entry: true }
      field { name: "key" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
      field { name: "value" number: 2 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
    }
  })";

class ReadYamlIntoAnySchema : public testing::Test {
 protected:
  void SetUp() override {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kSchema, &file));
    const auto* built = pool_.BuildFile(file);
    ASSERT_NE(built, nullptr);
    message_.reset(factory_.GetPrototype(built->FindMessageTypeByName("Schema"))->New());
  }

  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::DynamicMessageFactory factory_;
  std::unique_ptr<google::protobuf::Message> message_;
};

TEST_F(ReadYamlIntoAnySchema, ReadsEnumsMapsAndListsOfEveryKind) {
  const absl::Status status = ReadYaml(
      "colours: [RED, BLUE]\n"
      "lanes: {fast: {name: f}}\n"
      "weights: {3: 0.5}\n"
      "pauses: [1s, 250ms]\n"
      "sizes_bytes: [1KiB, 2KB]\n"
      "flags: [true, false]\n"
      "shares: [1, 2.5]\n",
      "test.yaml", *message_);

  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(message_->ShortDebugString(),
            "colour: BLUE colours: RED colours: BLUE lanes { key: \"fast\" value { name: \"f\" "
            "weight: 7 } } weights { key: 3 value: 0.5 } pauses { seconds: 1 } pauses { nanos: "
            "250000000 } sizes_bytes: 1024 sizes_bytes: 2000 flags: true flags: false shares: 1 "
            "shares: 2.5");
}

TEST_F(ReadYamlIntoAnySchema, NamesTheEntryOfAMapThatIsWrong) {
  EXPECT_EQ(ReadYaml("lanes:\n  fast: {weight: 10}\n", "t", *message_).message(),
            "t: lanes[fast].weight (line 2): found \"10\", allowed at most 9");
}

TEST_F(ReadYamlIntoAnySchema, NamesTheValuesOfAnEnum) {
  EXPECT_EQ(ReadYaml("colour: GREEN", "t", *message_).message(),
            "t: colour (line 1): found \"GREEN\", allowed one of UNSPECIFIED, RED, BLUE");
}

}  // namespace
}  // namespace penstock::host
