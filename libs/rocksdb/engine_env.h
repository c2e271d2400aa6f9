// Where a database keeps its files. Which definition is linked decides: engine_env.cc, or in test
// builds with failpoints lossy/engine_env.cc.
#pragma once

#include <rocksdb/env.h>

namespace penstock::rocks {

// One for the whole process; it lives as long as that.
rocksdb::Env* EngineEnv();

}  // namespace penstock::rocks
