#include <sys/stat.h>

#include <fstream>

#include "admin_server_fixture.hpp"
#include "controller/admin/listening.hpp"

using namespace linekeeper::admin;
using namespace linekeeper::admin::testing;
using By = Client::By;

TEST_CASE("server: a request on the control socket carries who asks") {
  Fixture f;
  Client c(f, By::Unix);
  const auto answer = c.ask("POST /api/v1/hold?x=1%202 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("\r\n\r\nanswer to /api/v1/hold"));
  REQUIRE(f.api.requests.size() == 1);
  const Request& r = f.api.requests[0];
  CHECK(r.method == "POST");
  CHECK(r.query.at("x") == "1 2");
  CHECK(r.body == "{}");
  REQUIRE(r.peer);
  CHECK(r.peer->uid == ::getuid());
  CHECK(r.peer->gid == ::getgid());
  CHECK(r.peer->pid == ::getpid());
  CHECK(r.peer->name == owner_name(::getuid()));
}

TEST_CASE("server: owners are named from the file, and by number when it has no name for them") {
  const TempDir folder;
  const std::string file = folder / "passwd";
  {
    std::FILE* out = std::fopen(file.c_str(), "w");
    REQUIRE(out != nullptr);
    std::fputs("root:x:0:0::/:/bin/sh\nmira:x:1000:1000::/:/bin/sh\nbroken line\n", out);
    std::fclose(out);
  }
  CHECK(owner_name(1000, file.c_str()) == "uid 1000 (mira)");
  CHECK(owner_name(1001, file.c_str()) == "uid 1001");
  CHECK(owner_name(0, "/nonexistent") == "uid 0");
}

TEST_CASE("server: TCP has no peer, serves GET and refuses POST") {
  Fixture f;
  Client get(f, By::Tcp);
  CHECK(get.ask("GET /livez HTTP/1.1\r\nHost: localhost:9851\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
  REQUIRE(f.api.requests.size() == 1);
  CHECK_FALSE(f.api.requests[0].peer);
  Client post(f, By::Tcp);
  const auto refused = post.ask("POST /api/v1/hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
  CHECK(refused.starts_with("HTTP/1.1 403"));
  CHECK(refused.find("acts are only possible over the control socket") != std::string::npos);
  CHECK(f.api.requests.size() == 1);
}

TEST_CASE("server: a foreign Host is refused on TCP, a configured one served") {
  Fixture f;
  Client foreign(f, By::Tcp);
  CHECK(foreign.ask("GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 403"));
  Client none(f, By::Tcp);
  CHECK(none.ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 403"));
  CHECK(f.api.requests.empty());
  Client ours(f, By::Tcp);
  CHECK(ours.ask("GET / HTTP/1.1\r\nHost: keeper.example:80\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("server: the Host header is there once") {
  Fixture f;
  Client none(f, By::Unix);
  CHECK(none.ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
  Client two(f, By::Unix);
  CHECK(two.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
  Client old(f, By::Unix);
  CHECK(old.ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("server: other methods are 405 with Allow, broken requests 400, unknown paths as the Api says") {
  Fixture f;
  Client del(f, By::Unix);
  const auto answer = del.ask("DELETE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 405"));
  CHECK(answer.find("Allow: GET, HEAD, POST\r\n") != std::string::npos);
  Client noise(f, By::Unix);
  CHECK(noise.ask("\x16\x03\x01 this is not http\r\n\r\n").starts_with("HTTP/1.1 400"));
  Client target(f, By::Unix);
  CHECK(target.ask("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
  Client missing(f, By::Unix);
  const auto empty = missing.ask("GET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(empty.starts_with("HTTP/1.1 404"));
  CHECK(empty.find("{\"error\":{\"exit\":2,\"message\":\"Not Found\"") != std::string::npos);
  Client thrown(f, By::Unix);
  CHECK(thrown.ask("GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500"));
}

TEST_CASE("server: HEAD reaches the handler as GET and has no body") {
  Fixture f;
  Client c(f, By::Unix);
  const auto answer = c.ask("HEAD /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("Content-Length: 15\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
  CHECK(f.api.requests.at(0).method == "GET");
  Client stream(f, By::Unix);
  CHECK(stream.ask("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n").find("text/event-stream") != std::string::npos);
  CHECK(f.api.streams.empty());
}

TEST_CASE("server: pipelined requests are answered in order on one connection") {
  Fixture f;
  Client c(f, By::Unix);
  std::string three;
  for (const char* path : {"/one", "/two"}) three += std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  three += "POST /three HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
  const auto answer = c.ask(three);
  const auto one = answer.find("answer to /one");
  const auto two = answer.find("answer to /two");
  const auto last = answer.find("answer to /three");
  REQUIRE(last != std::string::npos);
  CHECK(one < two);
  CHECK(two < last);
  CHECK(f.api.requests.at(2).body == "body");
}

TEST_CASE("server: a body that waits for leave gets it") {
  Fixture f;
  Client c(f, By::Unix);
  c.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  REQUIRE(c.until_got("HTTP/1.1 100 Continue\r\n\r\n"));
  CHECK(f.api.requests.empty());
  CHECK(c.ask("body").ends_with("answer to /x"));
  CHECK(f.api.requests.at(0).body == "body");
}

TEST_CASE("server: an event stream carries what is sent, resumes where it was, and ends with its client") {
  Fixture f;
  f.api.on_open = [](EventStream& s) { s.send("4", "event", "{\"replayed\":true}"); };
  Client c(f, By::Tcp);
  c.send("GET /api/v1/events/stream?after=3 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 3\r\n\r\n");
  REQUIRE(c.until_got("id: 4\nevent: event\ndata: {\"replayed\":true}\n\n"));
  CHECK(c.got.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  CHECK(f.api.requests.at(0).last_event_id == "3");
  CHECK(f.api.requests.at(0).query.at("after") == "3");
  f.api.streams.at(0)->send("", "status", "{}");
  REQUIRE(c.until_got("event: status\ndata: {}\n\n"));
  c.close();
  REQUIRE(f.until([&] { return f.api.closed == 1; }));
  CHECK(f.server.clients() == 0);
}

TEST_CASE("server: a stream the Api declines is an ordinary error") {
  Fixture f;
  f.api.open_status = 503;
  Client c(f, By::Unix);
  CHECK(c.ask("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 503"));
  CHECK(f.api.closed == 0);
}

TEST_CASE("server: stop lets a running answer out, ends streams, removes the socket and says so once") {
  Fixture f;
  f.api.hold = true;
  Client running(f, By::Unix);
  running.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  Client stream(f, By::Unix);
  stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  Client idle(f, By::Tcp);
  REQUIRE(f.until([&] { return f.api.held.size() == 1 && f.api.streams.size() == 1 && f.server.clients() == 3; }));
  f.api.streams[0]->send("9", "event", "last words");
  int done = 0;
  f.server.stop([&] { ++done; });
  CHECK(done == 0);
  CHECK_FALSE(std::filesystem::exists(f.socket_path));
  REQUIRE(stream.until_ended());
  CHECK(stream.got.find("last words") != std::string::npos);
  CHECK(f.api.closed == 1);
  REQUIRE(idle.until_ended());
  CHECK(done == 0);
  f.api.held[0](Response{.status = 200, .content_type = "text/plain", .body = "made it", .headers = {}});
  REQUIRE(running.until_ended());
  CHECK(running.got.find("Connection: close\r\n") != std::string::npos);
  CHECK(running.got.ends_with("made it"));
  REQUIRE(f.until([&] { return done == 1; }));
  f.server.stop([&] { ++done; });
  REQUIRE(f.until([&] { return done == 2; }));
}

TEST_CASE("server: a stale socket file is replaced, a living one and a file are errors that say what to do") {
  Fixture f;
  FakeApi api;
  HttpServer second(f.context.get_executor(), api);
  const auto living = second.listen_unix(f.socket_path);
  REQUIRE_FALSE(living);
  CHECK(living.error().what.find("another process listens on") != std::string::npos);
  CHECK(living.error().remedy.find("systemctl status linekeeper") != std::string::npos);

  const std::string stale = f.folder / "stale.sock";
  {
    auto left = open_unix_listener(stale);
    REQUIRE(left);
    ::close(left->fd);  // its process died: the file stays
  }
  REQUIRE(std::filesystem::exists(stale));
  CHECK(second.listen_unix(stale));
  struct stat made{};
  REQUIRE(::stat(stale.c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0660);

  const std::string file = f.folder / "file";
  {
    const std::ofstream empty(file);
  }
  const auto occupied = second.listen_unix(file);
  REQUIRE_FALSE(occupied);
  CHECK(occupied.error().what.find("is not a socket") != std::string::npos);
  CHECK(std::filesystem::exists(file));
  CHECK_FALSE(second.listen_unix(f.folder / "none/x.sock"));
  CHECK_FALSE(second.listen_unix(f.folder / std::string(107, 'x')));
  CHECK_FALSE(second.listen_tcp("localhost", 0, {}));
  const auto taken = second.listen_tcp("127.0.0.1", f.server.tcp_port(), {});
  REQUIRE_FALSE(taken);
  CHECK(taken.error().remedy.find("ss -ltnp") != std::string::npos);
}

TEST_CASE("server: a successor's socket is not removed by the one before") {
  const TempDir folder;
  const std::string path = folder / "s";
  auto mine = open_unix_listener(path);
  REQUIRE(mine);
  // Both exist at once, so that the two cannot share an inode number.
  auto other = open_unix_listener(folder / "other");
  REQUIRE(other);
  std::filesystem::rename(folder / "other", path);
  mine->file.remove();
  CHECK(std::filesystem::exists(path));
  ::close(mine->fd);
  ::close(other->fd);
}
