// What RocksDB has to say goes into our log, not into a file beside its data: on a full disk that
// file fails first, and Debian's build, which has its assertions on, ends the process there, before
// anybody is told why.
#pragma once

#include <memory>
#include <string>

#include <rocksdb/env.h>

namespace penstock::rocks {

// Warnings and errors only, each with `store`.
std::shared_ptr<rocksdb::Logger> EngineLog(std::string store);

}  // namespace penstock::rocks
