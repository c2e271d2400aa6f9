// The sockets that libcurl opens, and which of them epoll watches. Runs on the loop's thread.
#pragma once

#include <cstdint>
#include <vector>

#include <curl/curl.h>

namespace penstock::http {

class CurlMulti;

// A kept connection between two requests stays registered, so that a request on it costs no
// epoll_ctl; it leaves when it stirs while nobody wants it (the server closed it).
class CurlSockets {
 public:
  CurlSockets();
  ~CurlSockets();

  // libcurl's wish for a socket: CURL_POLL_*. `multi` is whose it is.
  void Watch(curl_socket_t socket, int what, CurlMulti& multi);
  // Whom an event of this socket is for; null: nobody wants it.
  CurlMulti* WaiterOf(curl_socket_t socket);

  int epoll() const { return epoll_; }

  // CURL_SOCKET_BAD when there is none to be had.
  curl_socket_t Open(const curl_sockaddr& address);
  // The result of close(2).
  int Close(curl_socket_t socket);

 private:
  struct Watched {
    uint32_t registered = 0;
    uint32_t wanted = 0;
    CurlMulti* multi = nullptr;
    // Opened by Open, so we shall hear of its end. Others (libcurl's resolver) leave epoll as soon
    // as they are not wanted: their number may come back as another socket.
    bool ours = false;
  };

  Watched& At(curl_socket_t socket);
  void Register(curl_socket_t socket, Watched& watched, uint32_t events);

  int epoll_;
  std::vector<Watched> sockets_;
};

}  // namespace penstock::http
