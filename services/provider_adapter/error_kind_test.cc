#include "services/provider_adapter/error_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using testing::HasSubstr;
using testing::Not;

http::HttpHeaders Headers(std::initializer_list<absl::string_view> lines) {
  http::HttpHeaders headers;
  for (const absl::string_view line : lines) headers.Append(absl::StrCat(line, "\r\n"));
  return headers;
}

Failure Of(int status, absl::string_view body) {
  return FailureOfStatus("openai", status, Headers({}), body, absl::UnixEpoch());
}

TEST(ErrorKind, FollowsTheStatus) {
  const std::pair<int, chat::v1::ErrorKind> table[] = {
      {301, chat::v1::MALFORMED_RESPONSE},  {400, chat::v1::INVALID_REQUEST},
      {401, chat::v1::PROVIDER_AUTH},       {402, chat::v1::PROVIDER_QUOTA},
      {403, chat::v1::PROVIDER_AUTH},       {404, chat::v1::PROVIDER_AUTH},
      {408, chat::v1::PROVIDER_TIMEOUT},    {413, chat::v1::CONTEXT_WINDOW},
      {418, chat::v1::INVALID_REQUEST},     {422, chat::v1::INVALID_REQUEST},
      {424, chat::v1::PROVIDER_INTERNAL},   {429, chat::v1::PROVIDER_RATE_LIMITED},
      {500, chat::v1::PROVIDER_INTERNAL},   {502, chat::v1::PROVIDER_INTERNAL},
      {503, chat::v1::PROVIDER_OVERLOADED}, {504, chat::v1::PROVIDER_INTERNAL},
      {529, chat::v1::PROVIDER_OVERLOADED}, {599, chat::v1::PROVIDER_INTERNAL}};

  for (const auto& [status, kind] : table) EXPECT_EQ(Of(status, "").kind(), kind) << status;
}

TEST(ErrorKind, TheBodySaysMoreThanTheStatus) {
  const auto body = [](absl::string_view type, absl::string_view code) {
    return absl::StrCat(R"({"error":{"message":"m","type":")", type, R"(","param":null,"code":")",
                        code, "\"}}");
  };

  EXPECT_EQ(Of(429, body("insufficient_quota", "insufficient_quota")).kind(),
            chat::v1::PROVIDER_QUOTA);
  EXPECT_EQ(Of(429, body("tokens", "rate_limit_exceeded")).kind(), chat::v1::PROVIDER_RATE_LIMITED);
  EXPECT_EQ(Of(400, body("invalid_request_error", "context_length_exceeded")).kind(),
            chat::v1::CONTEXT_WINDOW);
  EXPECT_EQ(Of(400, body("invalid_request_error", "unsupported_parameter")).kind(),
            chat::v1::INVALID_REQUEST);
  EXPECT_EQ(Of(400, body("", "content_filter")).kind(), chat::v1::CONTENT_POLICY);
  EXPECT_EQ(Of(504, body("timeout_error", "")).kind(), chat::v1::PROVIDER_TIMEOUT);
}

TEST(ErrorKind, KnowsAContextOverflowByItsWords) {
  EXPECT_EQ(
      Of(400,
         R"({"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400})")
          .kind(),
      chat::v1::CONTEXT_WINDOW);
}

TEST(ErrorKind, FollowsAnthropicsTypes) {
  const auto body = [](absl::string_view type) {
    return absl::StrCat(R"({"type":"error","error":{"type":")", type,
                        R"(","message":"m"},"request_id":"req_1"})");
  };
  struct Row {
    int status;
    absl::string_view type;
    chat::v1::ErrorKind kind;
  };
  constexpr Row kTable[] = {{400, "invalid_request_error", chat::v1::INVALID_REQUEST},
                            {401, "authentication_error", chat::v1::PROVIDER_AUTH},
                            {402, "billing_error", chat::v1::PROVIDER_QUOTA},
                            {403, "permission_error", chat::v1::PROVIDER_AUTH},
                            {404, "not_found_error", chat::v1::PROVIDER_AUTH},
                            {409, "conflict_error", chat::v1::PROVIDER_INTERNAL},
                            {413, "request_too_large", chat::v1::CONTEXT_WINDOW},
                            {429, "rate_limit_error", chat::v1::PROVIDER_RATE_LIMITED},
                            {500, "api_error", chat::v1::PROVIDER_INTERNAL},
                            {504, "timeout_error", chat::v1::PROVIDER_TIMEOUT},
                            {529, "overloaded_error", chat::v1::PROVIDER_OVERLOADED}};

  for (const Row& row : kTable) {
    EXPECT_EQ(Of(row.status, body(row.type)).kind(), row.kind) << row.type;
    EXPECT_EQ(Classify(200, {.message = "m", .type = std::string(row.type)}), row.kind)
        << row.type << " in a stream";
  }
}

TEST(ErrorKind, ASpendLimitIsNoRateLimit) {
  const auto of = [](int status, absl::string_view type, absl::string_view code,
                     absl::string_view message) {
    return Of(status, absl::StrCat(R"({"type":"error","error":{"type":")", type, R"(","message":")",
                                   message, R"(","details":{"error_code":")", code, R"("}}})"))
        .kind();
  };

  EXPECT_EQ(of(429, "rate_limit_error", "enforced_spend_limit_reached", "m"),
            chat::v1::PROVIDER_QUOTA);
  EXPECT_EQ(of(429, "rate_limit_error", "contract_spend_limit_reached", "m"),
            chat::v1::PROVIDER_QUOTA);
  EXPECT_EQ(of(429, "rate_limit_error", "ramp_limit_exceeded", "m"),
            chat::v1::PROVIDER_RATE_LIMITED);
  EXPECT_EQ(of(400, "invalid_request_error", "",
               "You have reached your specified API usage limits. You will regain access on x."),
            chat::v1::PROVIDER_QUOTA);
  EXPECT_EQ(of(400, "invalid_request_error", "",
               "Your credit balance is too low to access the Anthropic API."),
            chat::v1::PROVIDER_QUOTA);
}

TEST(ErrorKind, ReadsErrorsOfManyShapes) {
  EXPECT_EQ(ReadErrorBody(R"({"error":"model 'x' not found"})").message, "model 'x' not found");
  EXPECT_EQ(ReadErrorBody(R"({"detail":"Not Found"})").message, "Not Found");
  EXPECT_EQ(ReadErrorBody(R"({"error":{"code":502,"message":"bad upstream"}})").status, 502);
  EXPECT_EQ(ReadErrorBody(R"({"error":{"code":"429"}})").status, 429);
  EXPECT_EQ(
      ReadErrorBody(R"({"error":{"details":{"error_code":"enforced_spend_limit_reached"}}})").code,
      "enforced_spend_limit_reached");
  EXPECT_EQ(ReadErrorBody("<html>").message, "");
  EXPECT_EQ(ReadErrorBody(R"({"error":{"message":7,"code":null}})").message, "");
}

TEST(ErrorKind, AStatusSaysMoreThanATypeForEverything) {
  for (const char* type : {"api_error", "server_error"}) {
    EXPECT_EQ(Classify(503, {.message = "m", .type = type, .code = ""}),
              chat::v1::PROVIDER_OVERLOADED);
    EXPECT_EQ(Classify(500, {.message = "m", .type = type, .code = ""}),
              chat::v1::PROVIDER_INTERNAL);
  }
}

TEST(ErrorKind, OfAnErrorInAStreamIsReadFromTheObject) {
  EXPECT_EQ(Classify(200, {.message = "m", .type = "server_error", .code = ""}),
            chat::v1::PROVIDER_INTERNAL);
  EXPECT_EQ(Classify(200, {.message = "m", .type = "", .code = "rate_limit_exceeded"}),
            chat::v1::PROVIDER_RATE_LIMITED);
  EXPECT_EQ(Classify(200, {.message = "m", .type = "", .code = "503", .status = 503}),
            chat::v1::PROVIDER_OVERLOADED);
  EXPECT_EQ(Classify(200, {.message = "m", .type = "invalid_request_error", .code = ""}),
            chat::v1::INVALID_REQUEST);
  EXPECT_EQ(Classify(200, {.message = "m", .type = "", .code = ""}), chat::v1::PROVIDER_INTERNAL);
}

TEST(ErrorKind, TheMessageNamesProviderStatusAndRequest) {
  const Failure failure = FailureOfStatus(
      "openai", 429, Headers({"x-request-id: req_1", "retry-after-ms: 1500"}),
      R"({"error":{"message":"Rate limit\nreached","type":"tokens","code":"rate_limit_exceeded"}})",
      absl::UnixEpoch());

  EXPECT_EQ(failure.message(),
            "openai: HTTP 429 rate_limit_exceeded: Rate limit reached (request req_1)");
  EXPECT_EQ(failure.http_status(), 429);
  EXPECT_EQ(failure.provider_request_id(), "req_1");
  EXPECT_EQ(failure.retry_after().seconds(), 1);
  EXPECT_EQ(failure.retry_after().nanos(), 500'000'000);
  EXPECT_FALSE(failure.not_sent());
}

TEST(ErrorKind, NeverRepeatsWhatIsSaidOfACredential) {
  const Failure failure = Of(
      401,
      R"({"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}})");

  EXPECT_THAT(failure.message(), Not(HasSubstr("sk-secret")));
  EXPECT_THAT(failure.message(), HasSubstr("credential"));
  EXPECT_THAT(FailureInStream("anthropic", {.message = "invalid x-api-key sk-ant-secret",
                                            .type = "authentication_error"})
                  .message(),
              Not(HasSubstr("secret")));
}

TEST(ErrorKind, ARedirectSaysWhatIsWrong) {
  const Failure failure = Of(302, "<a href=https://elsewhere/?token=t1>moved</a>");

  EXPECT_EQ(failure.kind(), chat::v1::MALFORMED_RESPONSE);
  EXPECT_THAT(failure.message(), HasSubstr("HTTP 302 redirect, which is not followed"));
  EXPECT_THAT(failure.message(), HasSubstr("base_url"));
  EXPECT_THAT(failure.message(), Not(HasSubstr("t1")));
}

TEST(ErrorKind, AnAnswerThatIsTooLongNamesTheSetting) {
  const Failure failure =
      FailureOfOutcome("openai", {.kind = http::HttpOutcome::Kind::kTooLarge,
                                  .message = "the answer is longer than 65536 bytes"});

  EXPECT_EQ(failure.message(),
            "openai: the answer is longer than 65536 bytes, which is the provider's "
            "max_answer_bytes");
}

TEST(ErrorKind, ShortensWhatIsSaidBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "你";

  const Failure failure = Of(400, absl::StrCat(R"({"error":{"message":")", text, "\"}}"));

  EXPECT_LT(failure.message().size(), 600u);
  EXPECT_THAT(failure.message(), testing::EndsWith("你…"));
}

TEST(ErrorKind, FollowsTheOutcomeOfTheConnection) {
  using Kind = http::HttpOutcome::Kind;
  const std::pair<Kind, chat::v1::ErrorKind> table[] = {
      {Kind::kConnectFailed, chat::v1::PROVIDER_UNREACHABLE},
      {Kind::kTls, chat::v1::PROVIDER_UNREACHABLE},
      {Kind::kReset, chat::v1::PROVIDER_UNREACHABLE},
      {Kind::kProtocol, chat::v1::MALFORMED_RESPONSE},
      {Kind::kTooLarge, chat::v1::MALFORMED_RESPONSE},
      {Kind::kTimeoutConnect, chat::v1::PROVIDER_TIMEOUT},
      {Kind::kTimeoutFirstByte, chat::v1::PROVIDER_TIMEOUT},
      {Kind::kTimeoutIdle, chat::v1::PROVIDER_TIMEOUT},
      {Kind::kTimeoutTotal, chat::v1::DEADLINE},
      {Kind::kOk, chat::v1::STREAM_TRUNCATED}};

  for (const auto& [outcome, kind] : table) {
    const Failure failure =
        FailureOfOutcome("openai", {.kind = outcome, .not_sent = true, .message = "why"});
    EXPECT_EQ(failure.kind(), kind);
    EXPECT_TRUE(failure.not_sent());
    EXPECT_THAT(failure.message(), testing::StartsWith("openai: "));
  }
}

}  // namespace
}  // namespace penstock::provider_adapter
