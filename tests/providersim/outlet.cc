#include "tests/providersim/outlet.h"

#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace penstock::providersim {

namespace asio = boost::asio;

Awaitable<bool> Outlet::Write(std::string head, std::string bytes) {
  if (drip_) co_return co_await WriteByteByByte(std::move(head) + bytes);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head), asio::buffer(bytes)};
  auto [failed, written] =
      co_await asio::async_write(socket_, buffers, asio::as_tuple(asio::use_awaitable));
  if (failed) co_return false;
  used_ = true;
  co_return true;
}

Awaitable<bool> Outlet::WriteByteByByte(std::string bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto [failed, written] = co_await asio::async_write(socket_, asio::buffer(bytes.data() + i, 1),
                                                        asio::as_tuple(asio::use_awaitable));
    if (failed) co_return false;
    used_ = true;
    if (drip_->count() > 0 && !co_await watch_.SleepFor(*drip_)) co_return false;
  }
  co_return true;
}

}  // namespace penstock::providersim
