// Which requests are under way on each connection, and how a server hears at once of one that ends
// early.
#pragma once

#include <string>
#include <vector>

#include <curl/curl.h>

#include "absl/container/flat_hash_map.h"

namespace penstock::http {

// Of one multi handle, on the loop's thread.
//
// libcurl (7.88, and 8.14 too) queues the RST_STREAM of an HTTP/2 stream that ends early, and sends
// it with the next thing that goes out on that connection. Where the other streams are silent the
// server would go on for as long, and charge for it. So a connection that nobody else uses is
// closed, and one that is shared is made to send.
class CurlStreams {
 public:
  // A request goes out on a connection; `connection` names no other one that is open. The request
  // may have been on another before.
  void Enter(CURL* easy, std::string connection);
  // It has ended, or looks for another connection.
  void Leave(CURL* easy);
  // How many are under way on its connection, itself included.
  size_t Sharing(CURL* easy) const;

  // Leave, before libcurl ends it early: inside the callback that makes it fail, or before it is
  // removed. Keeps the connection from being kept unless others are on it; before its easy handle
  // serves again, CURLOPT_FORBID_REUSE must be cleared.
  void GiveUp(CURL* easy);
  // Sends what is queued since GiveUp. Not inside a callback.
  void SendResets();

 private:
  struct Connection {
    std::vector<CURL*> streams;
    // If all of them end before SendResets, it is closed.
    bool resets_queued = false;
  };

  absl::flat_hash_map<std::string, Connection> connections_;
  absl::flat_hash_map<CURL*, std::string> connection_of_;
  std::vector<std::string> unsent_;
};

}  // namespace penstock::http
