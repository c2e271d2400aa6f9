#include "services/dispatcher/turn/model_chain.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

config::v1::Config Config() {
  config::v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        models {
          name: "a/main"
          context_window_tokens: 1000
          fallbacks { model: "b/same" }
          fallbacks { model: "c/small" on: "CONTEXT_WINDOW" }
          fallbacks { model: "d/large" on: "CONTEXT_WINDOW" on: "CONTENT_POLICY" }
        }
        models {
          name: "b/same"
          context_window_tokens: 1000
          fallbacks { model: "a/main" }
        }
        models { name: "c/small" context_window_tokens: 500 }
        models { name: "d/large" context_window_tokens: 2000 }
      )pb",
      &config));
  return config;
}

TEST(ModelChain, WithoutFallbacksNothingTakesOver) {
  const config::v1::Config config = Config();
  ModelChain chain(config, config.models(2));

  EXPECT_TRUE(chain.at_end());
  EXPECT_FALSE(chain.Takes(chat::v1::PROVIDER_OVERLOADED));
  EXPECT_FALSE(chain.Move(chat::v1::PROVIDER_OVERLOADED));
  EXPECT_EQ(chain.model().name(), "c/small");
}

TEST(ModelChain, AnUnlistedKindIsOneThatAnotherProviderMayDoBetter) {
  const config::v1::Config config = Config();
  const ModelChain chain(config, config.models(0));

  for (const auto kind :
       {chat::v1::PROVIDER_RATE_LIMITED, chat::v1::PROVIDER_OVERLOADED, chat::v1::PROVIDER_TIMEOUT,
        chat::v1::PROVIDER_INTERNAL, chat::v1::PROVIDER_AUTH, chat::v1::PROVIDER_QUOTA,
        chat::v1::PROVIDER_UNREACHABLE, chat::v1::STREAM_TRUNCATED, chat::v1::MALFORMED_RESPONSE}) {
    ModelChain moved = chain;
    EXPECT_TRUE(moved.Move(kind)) << kind;
    EXPECT_EQ(moved.model().name(), "b/same") << kind;
  }
  EXPECT_FALSE(chain.Takes(chat::v1::INVALID_REQUEST));
  EXPECT_FALSE(chain.Takes(chat::v1::DEADLINE));
}

TEST(ModelChain, AContextGoesToALargerWindowOnly) {
  const config::v1::Config config = Config();
  ModelChain chain(config, config.models(0));

  ASSERT_TRUE(chain.Move(chat::v1::CONTEXT_WINDOW));

  EXPECT_EQ(chain.model().name(), "d/large");
  EXPECT_TRUE(chain.at_end());
}

TEST(ModelChain, EachIsTriedOnceAndAFallbacksOwnAreNotFollowed) {
  const config::v1::Config config = Config();
  ModelChain chain(config, config.models(0));
  ASSERT_TRUE(chain.Move(chat::v1::PROVIDER_TIMEOUT));

  EXPECT_FALSE(chain.Takes(chat::v1::PROVIDER_TIMEOUT));
  EXPECT_TRUE(chain.Move(chat::v1::CONTENT_POLICY));
  EXPECT_FALSE(chain.Move(chat::v1::CONTENT_POLICY));
}

}  // namespace
}  // namespace penstock::dispatcher
