#include "libs/rocksdb/engine_log.h"

#include <cstdarg>
#include <cstdio>
#include <utility>

#include "libs/base/log.h"

namespace penstock::rocks {
namespace {

// A longer text is cut.
constexpr size_t kMaxText = 2048;

Severity SeverityOf(rocksdb::InfoLogLevel level) {
  return level == rocksdb::InfoLogLevel::WARN_LEVEL ? Severity::kWarning : Severity::kError;
}

class Logger final : public rocksdb::Logger {
 public:
  explicit Logger(std::string store)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), store_(std::move(store)) {}

  // The options, at every start.
  void LogHeader(const char*, va_list) override {}

  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    char text[kMaxText];
    if (std::vsnprintf(text, sizeof(text), format, arguments) < 0) return;
    Log(SeverityOf(level), "RocksDB reports", {{"store", store_}, {"text", text}});
  }

 private:
  const std::string store_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> EngineLog(std::string store) {
  return std::make_shared<Logger>(std::move(store));
}

}  // namespace penstock::rocks
