#include "libs/http/loopback_http2.h"

#include <array>
#include <map>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libs/base/http2_for_test.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

using http2::BigEndian;
using http2::Frame;
using http2::FrameType;

constexpr uint16_t kMaxConcurrentStreams = 3;
constexpr uint32_t kRefusedStream = 7;

}  // namespace

// One client. On the server's thread; lives while it reads or writes.
class Http2Connection : public std::enable_shared_from_this<Http2Connection> {
 public:
  Http2Connection(LoopbackHttp2& server, tcp::socket socket)
      : server_(server), socket_(std::move(socket)) {}

  static Awaitable<void> Run(std::shared_ptr<Http2Connection> self) {
    ++self->server_.open_;
    try {
      co_await self->ReadAll();
    } catch (const boost::system::system_error&) {
      // The client is gone.
    }
    --self->server_.open_;
    self->closed_ = true;
    for (const auto& [id, stream] : std::exchange(self->streams_, {})) stream->TellEnd();
  }

  void Send(const Frame& frame) {
    if (closed_) return;
    outbox_.append(http2::Encode(frame));
    if (std::exchange(writing_, true)) return;
    Spawn(server_.io_.get_executor(), Write(shared_from_this()));
  }

  // Whether the stream is still open; `ends`: and now no longer.
  bool Holds(uint32_t id, bool ends) {
    return ends ? streams_.erase(id) > 0 : streams_.contains(id);
  }

 private:
  static Awaitable<void> Write(std::shared_ptr<Http2Connection> self) {
    try {
      while (!self->outbox_.empty()) {
        const std::string bytes = std::exchange(self->outbox_, {});
        co_await boost::asio::async_write(self->socket_, boost::asio::buffer(bytes), use_awaitable);
      }
    } catch (const boost::system::system_error&) {
      self->closed_ = true;
    }
    self->writing_ = false;
  }

  Awaitable<void> ReadAll() {
    std::string unread;
    while (unread.size() < http2::kHttp2Preface.size()) co_await ReadSome(unread);
    unread.erase(0, http2::kHttp2Preface.size());
    Send({.type = FrameType::kSettings,
          .payload = absl::StrCat(BigEndian(kMaxConcurrentStreams, 2),
                                  BigEndian(server_.max_streams_, 4))});
    while (true) {
      for (const Frame& frame : http2::TakeFrames(unread)) TakeFrame(frame);
      co_await ReadSome(unread);
    }
  }

  Awaitable<void> ReadSome(std::string& unread) {
    std::array<char, 16 * 1024> bytes;
    const size_t size = co_await socket_.async_read_some(boost::asio::buffer(bytes), use_awaitable);
    unread.append(bytes.data(), size);
  }

  void TakeFrame(const Frame& frame) {
    switch (frame.type) {
      case FrameType::kHeaders:
        if (streams_.size() >= server_.max_streams_) {
          Send({.type = FrameType::kResetStream,
                .stream = frame.stream,
                .payload = BigEndian(kRefusedStream, 4)});
          return;
        }
        streams_.emplace(frame.stream,
                         std::make_shared<Http2Stream>(weak_from_this(), frame.stream));
        break;
      case FrameType::kData:
        if (!frame.payload.empty()) GiveBackWindow(frame);
        break;
      case FrameType::kResetStream:
        EndStream(frame.stream);
        return;
      case FrameType::kSettings:
      case FrameType::kPing:
        if ((frame.flags & http2::kAck) == 0) Acknowledge(frame);
        return;
      default:
        return;
    }
    if ((frame.flags & http2::kEndStream) != 0) Complete(frame.stream);
  }

  // What was read may be sent again, on the connection and on the stream.
  void GiveBackWindow(const Frame& data) {
    const std::string size = BigEndian(data.payload.size(), 4);
    Send({.type = FrameType::kWindowUpdate, .payload = size});
    Send({.type = FrameType::kWindowUpdate, .stream = data.stream, .payload = size});
  }

  void Acknowledge(const Frame& frame) {
    const bool is_ping = frame.type == FrameType::kPing;
    Send({.type = frame.type, .flags = http2::kAck, .payload = is_ping ? frame.payload : ""});
  }

  void Complete(uint32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    found->second->number = server_.next_number_++;
    Spawn(server_.io_.get_executor(), server_.handler_(found->second));
  }

  void EndStream(uint32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    const std::shared_ptr<Http2Stream> stream = std::move(found->second);
    streams_.erase(found);
    stream->TellEnd();
  }

  LoopbackHttp2& server_;
  tcp::socket socket_;
  std::map<uint32_t, std::shared_ptr<Http2Stream>> streams_;
  std::string outbox_;
  bool writing_ = false;
  bool closed_ = false;
};

Http2Stream::Http2Stream(std::weak_ptr<Http2Connection> connection, uint32_t id)
    : connection_(std::move(connection)), id_(id) {}

std::shared_ptr<Http2Connection> Http2Stream::Open(bool ends) const {
  const auto connection = connection_.lock();
  return connection != nullptr && connection->Holds(id_, ends) ? connection : nullptr;
}

void Http2Stream::Headers(int status) {
  if (const auto connection = Open(/*ends=*/false)) {
    connection->Send({.type = FrameType::kHeaders,
                      .flags = http2::kEndHeaders,
                      .stream = id_,
                      .payload = http2::EncodeHeader(":status", absl::StrCat(status))});
  }
}

void Http2Stream::Data(absl::string_view bytes, bool ends) {
  if (const auto connection = Open(ends)) {
    connection->Send({.type = FrameType::kData,
                      .flags = ends ? http2::kEndStream : uint8_t{0},
                      .stream = id_,
                      .payload = std::string(bytes)});
  }
}

void Http2Stream::Reset(uint32_t error_code) {
  if (const auto connection = Open(/*ends=*/true)) {
    connection->Send(
        {.type = FrameType::kResetStream, .stream = id_, .payload = BigEndian(error_code, 4)});
  }
}

void Http2Stream::GoAway(uint32_t last_stream) {
  if (const auto connection = connection_.lock()) {
    connection->Send({.type = FrameType::kGoAway,
                      .payload = absl::StrCat(BigEndian(last_stream, 4), BigEndian(0, 4))});
  }
}

void Http2Stream::TellEnd() {
  ended_.Set(true);
  on_end();
}

Awaitable<void> Http2Stream::WaitForEnd() { co_await ended_.Wait(); }

LoopbackHttp2::LoopbackHttp2(Handler handler, uint32_t max_streams)
    : handler_(std::move(handler)),
      max_streams_(max_streams),
      acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
  Spawn(io_.get_executor(), Accept());
  thread_ = std::thread([this] { io_.run(); });
}

LoopbackHttp2::~LoopbackHttp2() {
  io_.stop();
  thread_.join();
}

Awaitable<void> LoopbackHttp2::Accept() {
  while (true) {
    tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    ++connections_;
    Spawn(io_.get_executor(),
          Http2Connection::Run(std::make_shared<Http2Connection>(*this, std::move(socket))));
  }
}

}  // namespace penstock::http
