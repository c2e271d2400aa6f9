#include "libs/http/curl_pool.h"

#include <algorithm>
#include <utility>

namespace penstock::http {

CurlPool::CurlPool(std::shared_ptr<const HttpTransport> transport, const TransferOptions& options,
                   CurlSockets& sockets)
    : transport_(std::move(transport)), options_(options), sockets_(sockets) {}

CurlPool::~CurlPool() = default;

CurlMulti& CurlPool::Current() {
  if (current_ != nullptr && current_->age() >= transport_->max_connection_age) {
    current_->KeepNoConnections();
    if (current_->transfers() > 0) retired_.push_back(std::move(current_));
    current_.reset();
  }
  if (current_ == nullptr) {
    current_ = std::make_unique<CurlMulti>(*transport_, sockets_, *options_.now);
    http1_allowed_ = false;
  }
  return *current_;
}

CurlTransfer& CurlPool::Start(HttpCallId id, HttpRequest request,
                              std::shared_ptr<HttpObserver> observer) {
  if (free_.empty()) {
    transfers_.push_back(std::make_unique<CurlTransfer>(options_, *this));
    free_.push_back(transfers_.back().get());
  }
  CurlTransfer& transfer = *free_.back();
  free_.pop_back();
  CurlMulti& multi = Current();
  transfer.Prepare(id, std::move(request), std::move(observer), multi);
  multi.Add(transfer.easy());
  return transfer;
}

void CurlPool::Stop(CurlTransfer& transfer, bool early) {
  CurlMulti* const multi = transfer.multi();
  if (early) multi->streams().GiveUp(transfer.easy());
  multi->Remove(transfer.easy());
  if (multi == current_.get() || multi->transfers() > 0) return;
  retired_.erase(std::find_if(retired_.begin(), retired_.end(),
                              [&](const auto& retired) { return retired.get() == multi; }));
}

absl::Duration CurlPool::NextDue() const {
  absl::Duration due = current_ == nullptr ? absl::InfiniteDuration() : current_->due();
  for (const auto& multi : retired_) due = std::min(due, multi->due());
  return due;
}

void CurlPool::RunTimers() {
  if (current_ != nullptr) current_->RunTimer();
  for (const auto& multi : retired_) multi->RunTimer();
}

std::optional<CurlPool::Done> CurlPool::NextDone() {
  std::optional<CurlMulti::Done> done;
  if (current_ != nullptr) done = current_->NextDone();
  for (size_t i = 0; i < retired_.size() && !done; ++i) done = retired_[i]->NextDone();
  if (!done) return std::nullopt;
  return Done{.transfer = &CurlTransfer::Of(done->easy), .code = done->code};
}

void CurlPool::FinishRound() {
  for (const auto& multi : retired_) multi->streams().SendResets();
  if (current_ == nullptr) return;
  current_->streams().SendResets();
  if (transport_->version == HttpVersion::kHttp1 || speaks_ != Speaks::kHttp1) return;
  if (!std::exchange(http1_allowed_, true)) current_->AllowHttp1();
}

void CurlPool::Tell(TransportEvent event) const {
  if (transport_->on_event) transport_->on_event(event);
}

curl_socket_t CurlPool::OpenSocket(const curl_sockaddr& address) {
  const curl_socket_t socket = sockets_.Open(address);
  if (socket != CURL_SOCKET_BAD) Tell(TransportEvent::kConnectionOpened);
  return socket;
}

int CurlPool::CloseSocket(void* self, curl_socket_t socket) {
  auto& pool = *static_cast<CurlPool*>(self);
  pool.Tell(TransportEvent::kConnectionClosed);
  return pool.sockets_.Close(socket);
}

void CurlPool::OnAnswer(bool http2) { speaks_ = http2 ? Speaks::kHttp2 : Speaks::kHttp1; }

}  // namespace penstock::http
