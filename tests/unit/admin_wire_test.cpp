#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "controller/admin/wire.hpp"

using namespace linekeeper::admin;

TEST_CASE("hosts: names and addresses pass with any port, and nothing else does") {
  const std::vector<std::string> allowed{"localhost", "127.0.0.1", "::1", "keeper.example"};
  for (const char* good : {"localhost", "LOCALHOST", "localhost:9851", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535", "Keeper.Example:80"}) {
    CAPTURE(good);
    CHECK(host_allowed(good, allowed));
  }
  for (const char* bad : {"", ":80", "evil.example", "localhost.evil.example", "localhost:80x", "localhost:123456", "localhost:80:80", "[::1",
                          "[::1]x", "[]", "127.0.0.2", "::1"}) {
    CAPTURE(bad);
    CHECK_FALSE(host_allowed(bad, allowed));
  }
}

TEST_CASE("answers: a whole one has length, policy and body, and HEAD has the same without the body") {
  const Response response{.status = 200, .content_type = "text/plain", .body = "ok\n", .headers = {}};
  const std::string whole = serialize(response, Connection::KeepAlive, false);
  CHECK(whole.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(whole.ends_with("\r\n\r\nok\n"));
  for (const char* header :
       {"Content-Type: text/plain\r\n", "Content-Length: 3\r\n", "Connection: keep-alive\r\n", "Cache-Control: no-store\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n", "Content-Security-Policy: default-src 'none'"}) {
    CAPTURE(header);
    CHECK(whole.find(header) != std::string::npos);
  }
  CHECK(serialize(response, Connection::KeepAlive, true) == whole.substr(0, whole.size() - 3));
}

TEST_CASE("answers: a header of the handler replaces ours, cannot break the line, and cannot frame the message") {
  const Response response{
      .status = 200,
      .content_type = "text/html",
      .body = "",
      .headers = {{"content-security-policy", "default-src 'self'"}, {"X-Odd", "a\r\nSet-Cookie: b"}, {"Content-Length", "99"}, {"X-Even", "c"}}};
  const std::string whole = serialize(response, Connection::Close, false);
  CHECK(whole.find("content-security-policy: default-src 'self'\r\n") != std::string::npos);
  CHECK(whole.find("default-src 'none'") == std::string::npos);
  CHECK(whole.find("Set-Cookie") == std::string::npos);
  CHECK(whole.find("99") == std::string::npos);
  CHECK(whole.find("X-Even: c\r\n") != std::string::npos);
}

TEST_CASE("answers: an error says what and what to do, with the exit code of the command line") {
  CHECK(error_response(404, "no such path", "see \"README\"").body ==
        "{\"error\":{\"exit\":2,\"message\":\"no such path\",\"remedy\":\"see \\\"README\\\"\"}}\n");
  CHECK(error_response(503, "busy", "").body.find("\"exit\":1") != std::string::npos);
}

TEST_CASE("events: line breaks cannot forge a field") {
  CHECK(serialize_event("7", "event", "{}") == "id: 7\nevent: event\ndata: {}\n\n");
  CHECK(serialize_event("", "status", "{}") == "event: status\ndata: {}\n\n");
  CHECK(serialize_event("7\nevent: x", "e\rv", "a\r\nb\n\nc") == "id: 7event: x\nevent: ev\ndata: a\ndata: b\ndata: \ndata: c\n\n");
}
