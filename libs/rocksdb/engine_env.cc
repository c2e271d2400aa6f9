#include "libs/rocksdb/engine_env.h"

namespace penstock::rocks {

rocksdb::Env* EngineEnv() { return rocksdb::Env::Default(); }

}  // namespace penstock::rocks
