// Of test builds with failpoints: every database of the process forgets what was not synced.
#include "libs/rocksdb/engine_env.h"

#include <memory>

#include "libs/rocksdb/lossy/lossy_file_system.h"

namespace penstock::rocks {

rocksdb::Env* EngineEnv() {
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<LossyFileSystem>(rocksdb::FileSystem::Default()))
          .release();
  return env;
}

}  // namespace penstock::rocks
