#include <random>

#include "admin_server_fixture.hpp"

using namespace linekeeper::admin;
using namespace linekeeper::admin::testing;
using By = Client::By;
using std::chrono::milliseconds;

TEST_CASE("limits: a header of 8 kB passes, a little more is 431, in one piece or in many") {
  const std::string start = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";
  const auto ask = [](const std::string& bytes) {
    Fixture f;
    Client c(f, By::Unix);
    c.send(bytes.substr(0, bytes.size() - 1));  // its last byte apart: it is the one that matters
    f.until([&] {
      c.take();
      return c.ended || f.server.clients() == 1;
    });
    for (int i = 0; i < 20; ++i) {
      f.context.restart();
      f.context.poll();
    }
    c.take();
    return c.ended || !c.got.empty() ? c.got : c.ask(bytes.substr(bytes.size() - 1));
  };
  const std::size_t room = 8 * 1024 - start.size() - 4;
  CHECK(ask(start + std::string(room, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 200"));
  CHECK(ask(start + std::string(room + 2, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  std::string many = "GET /x HTTP/1.1\r\nHost: x\r\n";
  while (many.size() <= 8 * 1024) many += "X: y\r\n";
  CHECK(ask(many + "\r\n").starts_with("HTTP/1.1 431"));
  CHECK(ask(std::string(20000, 'G')).starts_with("HTTP/1.1 4"));
}

TEST_CASE("limits: a body of 64 KiB passes, one byte more is 413 before it is sent") {
  Fixture f;
  Client fits(f, By::Unix);
  const std::string body(64 * 1024, 'b');
  CHECK(fits.ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n" + body).starts_with("HTTP/1.1 200"));
  CHECK(f.api.requests.at(0).body == body);
  Client large(f, By::Unix);
  CHECK(large.ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n").starts_with("HTTP/1.1 413"));
  Client chunked(f, By::Unix);
  CHECK(chunked.ask("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" + body + "x\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 413"));
  Client absurd(f, By::Unix);
  CHECK(absurd.ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n").starts_with("HTTP/1.1 400"));
  CHECK(f.api.requests.size() == 1);
}

TEST_CASE("limits: a client that drips its request is cut off, however lively it drips") {
  Fixture f(Limits{.receive = milliseconds(60)});
  Client c(f, By::Unix);
  c.send("G");
  std::size_t next = 0;
  const std::string slow = "ET / HTTP/1.1\r\nX: " + std::string(200, 'a');
  REQUIRE(f.until([&] {
    if (c.got.empty() && next < slow.size()) c.send(slow.substr(next++, 1));
    c.take();
    return c.ended;
  }));
  CHECK(c.got.starts_with("HTTP/1.1 408"));
  CHECK(f.api.requests.empty());
  CHECK(f.until([&] { return f.server.clients() == 0; }));
}

TEST_CASE("limits: an idle client is closed without a word") {
  Fixture f(Limits{.idle = milliseconds(30)});
  Client c(f, By::Tcp);
  REQUIRE(c.until_ended());
  CHECK(c.got.empty());
}

TEST_CASE("limits: an answer that does not come is 504, and is ignored when it comes later") {
  Fixture f(Limits{.answer = milliseconds(30)});
  f.api.hold = true;
  Client c(f, By::Unix);
  CHECK(c.ask("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 504"));
  f.api.held.at(0)(Response{});
  f.api.held.at(0)(Response{});
}

TEST_CASE("limits: an answer given twice is sent once") {
  Fixture f;
  f.api.hold = true;
  Client c(f, By::Unix);
  c.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  REQUIRE(f.until([&] { return f.api.held.size() == 1; }));
  const auto first = f.api.held[0];
  first(Response{.status = 200, .content_type = "text/plain", .body = "first", .headers = {}});
  REQUIRE(f.until([&] { return f.api.held.size() == 2; }));
  first(Response{.status = 200, .content_type = "text/plain", .body = "again", .headers = {}});
  f.api.held[1](Response{.status = 200, .content_type = "text/plain", .body = "second", .headers = {}});
  REQUIRE(c.until_ended());
  CHECK(c.got.find("again") == std::string::npos);
  CHECK(c.got.ends_with("second"));
}

TEST_CASE("limits: the last place is served, the client after it is told 503, and a place freed is a place again") {
  Fixture f(Limits{.clients = 2});
  f.api.hold = true;
  Client a(f, By::Unix);
  Client b(f, By::Tcp);
  a.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  b.send("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(f.until([&] { return f.api.held.size() == 2; }));
  CHECK(f.server.clients() == 2);
  Client c(f, By::Unix);
  const auto refused = c.ask("GET /c HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(refused.starts_with("HTTP/1.1 503"));
  CHECK(refused.find("too many clients") != std::string::npos);
  CHECK(f.server.clients() == 2);
  f.api.held[0](Response{});
  REQUIRE(a.until_got("HTTP/1.1 200"));
  a.close();
  REQUIRE(f.until([&] { return f.server.clients() == 1; }));
  f.api.hold = false;
  Client d(f, By::Unix);
  CHECK(d.ask("GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("limits: a reader slower than the events loses the oldest, keeps the newest, and is told") {
  Fixture f(Limits{.stream_messages = 8});
  Client c(f, By::Unix);
  c.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(c.until_got("\r\n\r\n"));
  const std::string line(64 * 1024, 'd');
  constexpr int kSent = 100;  // far more than any socket buffer takes
  for (int i = 1; i <= kSent; ++i) {
    f.api.streams.at(0)->send(std::to_string(i), "event", line);
    f.context.restart();
    f.context.poll();
  }
  CHECK(f.api.closed == 0);
  REQUIRE(c.until_got("id: 100\n"));
  CHECK(c.got.find("messages were dropped, the reader is slower than the events") != std::string::npos);
  CHECK(c.got.find("id: 50\n") == std::string::npos);
}

TEST_CASE("limits: a reader that takes nothing at all is closed after the stall") {
  Fixture f(Limits{.stall = milliseconds(30)});
  Client c(f, By::Tcp, 4096);
  c.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(c.until_got("\r\n\r\n"));
  const std::string line(16 * 1024 * 1024, 'd');
  f.api.streams.at(0)->send("1", "event", line);
  CHECK(f.until([&] { return f.api.closed == 1; }));
}

TEST_CASE("limits: a silent stream says that it is alive") {
  Fixture f(Limits{.heartbeat = milliseconds(10)});
  Client c(f, By::Unix);
  c.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(c.until_got(": alive\n\n: alive\n\n"));
}

TEST_CASE("limits: stop does not wait for an answer that does not come") {
  Fixture f(Limits{.drain = milliseconds(20)});
  f.api.hold = true;
  Client c(f, By::Unix);
  c.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(f.until([&] { return f.api.held.size() == 1; }));
  bool done = false;
  f.server.stop([&] { done = true; });
  REQUIRE(f.until([&] { return done; }));
  CHECK(c.until_ended());
  f.api.held[0](Response{});
}

TEST_CASE("limits: a server that goes without stop closes its clients and streams") {
  boost::asio::io_context context;
  FakeApi api;
  const TempDir folder;
  {
    HttpServer server(context.get_executor(), api);
    REQUIRE(server.listen_unix(folder / "s"));
  }
  context.run();
  CHECK_FALSE(std::filesystem::exists(folder / "s"));
}

TEST_CASE("limits: whatever bytes come, the server answers or closes, and goes on") {
  Fixture f;
  std::mt19937 chance(20261122);  // one seed: a failure repeats itself
  const std::string good =
      "POST /api/v1/hold?x=%41 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nGET /events HTTP/1.1\r\nHost: "
      "x\r\nContent-Length: 3\r\n\r\nabc";
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    for (int change = 0; change <= round % 8; ++change) {
      const std::size_t at = chance() % bytes.size();
      switch (chance() % 4) {
        case 0: bytes[at] = static_cast<char>(chance()); break;
        case 1: bytes.erase(at, 1 + chance() % 8); break;
        case 2: bytes.insert(at, bytes.substr(chance() % bytes.size(), 1 + chance() % 40)); break;
        default: bytes.insert(at, 1, "\r\n:/% "[chance() % 6]); break;
      }
      if (bytes.empty()) bytes = good;
    }
    CAPTURE(round);
    Client c(f, By::Unix);
    c.send(bytes);
    c.end_sending();
    REQUIRE(c.until_ended());
  }
  REQUIRE(f.until([&] { return f.server.clients() == 0; }));
  CHECK(f.api.streams.empty());
  Client c(f, By::Unix);
  CHECK(c.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
}
