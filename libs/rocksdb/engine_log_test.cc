#include "libs/rocksdb/engine_log.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rocksdb/database.h"
#include "libs/rocksdb/testing.h"

namespace penstock::rocks {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(EngineLog, PutsWarningsAndErrorsIntoOurLogAndNothingElse) {
  const auto log = EngineLog("/data/store");

  testing::internal::CaptureStderr();
  rocksdb::Header(log, "Options.%s", "all");
  rocksdb::Info(log, "compacted");
  rocksdb::Warn(log, "slow by %d ms", 7);
  rocksdb::Error(log, "no space left");
  const std::string lines = testing::internal::GetCapturedStderr();

  EXPECT_THAT(lines, AllOf(HasSubstr(R"("severity":"WARNING")"), HasSubstr("slow by 7 ms"),
                           HasSubstr(R"("severity":"ERROR")"), HasSubstr("no space left"),
                           HasSubstr(R"("store":"/data/store")"), Not(HasSubstr("Options")),
                           Not(HasSubstr("compacted"))));
}

TEST(EngineLog, LeavesNoFileBesideTheData) {
  const TemporaryFolder folder;
  BoundedExecutor reads(1, 1);

  const auto database =
      Database::Open(folder.path(), {.column_families = {{.name = "plain"}}}, reads);

  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(folder.path()) / "LOG"));
}

}  // namespace
}  // namespace penstock::rocks
