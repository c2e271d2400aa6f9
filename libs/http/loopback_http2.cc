#include "libs/http/loopback_http2.h"

#include <map>
#include <utility>

#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

constexpr size_t kPrefaceBytes = 24;
constexpr size_t kFrameHeaderBytes = 9;

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
};
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;
constexpr uint16_t kMaxConcurrentStreams = 3;
constexpr uint32_t kRefusedStream = 7;

std::string BigEndian(uint64_t value, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) {
    text[bytes - 1 - i] = static_cast<char>(value >> (8 * i));
  }
  return text;
}

uint32_t ReadNumber(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  return absl::StrCat(BigEndian(payload.size(), 3), std::string(1, static_cast<char>(type)),
                      std::string(1, static_cast<char>(flags)), BigEndian(stream, 4), payload);
}

// HPACK (RFC 7541): a literal that is not indexed, its name ":status" being number 8 of the static
// table.
std::string StatusBlock(int status) { return absl::StrCat("\x08\x03", status); }

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

  void Send(std::string frame) {
    if (closed_) return;
    outbox_.append(frame);
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
    co_await Read(kPrefaceBytes);
    Send(Frame(
        kSettings, 0, 0,
        absl::StrCat(BigEndian(kMaxConcurrentStreams, 2), BigEndian(server_.max_streams_, 4))));
    while (true) co_await ReadFrame();
  }

  Awaitable<std::string> Read(size_t size) {
    std::string bytes(size, '\0');
    co_await boost::asio::async_read(socket_, boost::asio::buffer(bytes), use_awaitable);
    co_return bytes;
  }

  Awaitable<void> ReadFrame() {
    const std::string header = co_await Read(kFrameHeaderBytes);
    const absl::string_view head = header;
    const std::string payload = co_await Read(ReadNumber(head.substr(0, 3)));
    TakeFrame(static_cast<FrameType>(header[3]), static_cast<uint8_t>(header[4]),
              ReadNumber(head.substr(5)), payload);
  }

  void TakeFrame(FrameType type, uint8_t flags, uint32_t id, absl::string_view payload) {
    switch (type) {
      case kHeaders:
        if (streams_.size() >= server_.max_streams_) {
          Send(Frame(kResetStream, 0, id, BigEndian(kRefusedStream, 4)));
          return;
        }
        streams_.emplace(id, std::make_shared<Http2Stream>(weak_from_this(), id));
        break;
      case kData:
        if (payload.empty()) break;
        // What was read may be sent again, on the connection and on the stream.
        Send(Frame(kWindowUpdate, 0, 0, BigEndian(payload.size(), 4)));
        Send(Frame(kWindowUpdate, 0, id, BigEndian(payload.size(), 4)));
        break;
      case kResetStream:
        EndStream(id);
        return;
      case kSettings:
        if ((flags & kAck) == 0) Send(Frame(kSettings, kAck, 0, ""));
        return;
      case kPing:
        if ((flags & kAck) == 0) Send(Frame(kPing, kAck, 0, payload));
        return;
      default:
        return;
    }
    if ((flags & kEndStream) != 0) Complete(id);
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
    connection->Send(Frame(kHeaders, kEndHeaders, id_, StatusBlock(status)));
  }
}

void Http2Stream::Data(absl::string_view bytes, bool ends) {
  if (const auto connection = Open(ends)) {
    connection->Send(Frame(kData, static_cast<uint8_t>(ends ? kEndStream : 0), id_, bytes));
  }
}

void Http2Stream::Reset(uint32_t error_code) {
  if (const auto connection = Open(/*ends=*/true)) {
    connection->Send(Frame(kResetStream, 0, id_, BigEndian(error_code, 4)));
  }
}

void Http2Stream::GoAway(uint32_t last_stream) {
  if (const auto connection = connection_.lock()) {
    connection->Send(
        Frame(kGoAway, 0, 0, absl::StrCat(BigEndian(last_stream, 4), BigEndian(0, 4))));
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
