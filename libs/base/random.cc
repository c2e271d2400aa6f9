#include "libs/base/random.h"

#include <array>
#include <cstdlib>

#include <openssl/rand.h>

namespace penstock {
namespace {

class OpensslRandom : public Random {
 public:
  // OpenSSL's generator costs about 1 µs a call, so each thread fetches a block at a time.
  uint64_t Next() override {
    thread_local std::array<uint64_t, 128> pool;
    thread_local size_t used = pool.size();
    if (used == pool.size()) {
      if (RAND_bytes(reinterpret_cast<unsigned char*>(pool.data()), sizeof(pool)) != 1) {
        std::abort();
      }
      used = 0;
    }
    return pool[used++];
  }
};

}  // namespace

Random& SystemRandom() {
  static Random* const random = new OpensslRandom;
  return *random;
}

}  // namespace penstock
