#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <sstream>

#include "config_text.hpp"
#include "controller/daemon/resolver_file.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace linekeeper::daemon;

namespace {

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

const std::string kText =
    config_text::kSound + "[resolvers]\nfile = \"/run/x/resolv.conf\"\nfallback = [\"192.0.2.53\"]\nsearch = [\"example.net\"]\n";

model::Site site_with_resolvers() {
  std::string text = config_text::after("interface = \"wan0\"", "resolvers = [\"10.0.1.53\", \"10.0.1.54\"]", kText);
  text = config_text::after("interface = \"wan1\"", "resolvers = [\"10.0.2.53\"]", text);
  auto loaded = config::parse(text, "x.toml");
  REQUIRE_MESSAGE(loaded.site.has_value(), config_text::told(text));
  return *loaded.site;
}

constexpr model::CircuitId kFiber = model::id_at<model::CircuitId>(0), kCoax = model::id_at<model::CircuitId>(1);
using Servers = std::vector<model::IpAddress>;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

/// A follower on a loop that nobody turns: nothing is answered.
struct Follower {
  tests::TempDir dir;
  std::string path = dir / "resolv.conf";
  std::vector<model::Event> events;
  boost::asio::io_context io;
  std::shared_ptr<model::Site> site = std::make_shared<model::Site>(site_with_resolvers());
  std::unique_ptr<ResolverFile> file;
  Follower() { site->resolvers.file = path; }
  ResolverFile& begin() {
    file = std::make_unique<ResolverFile>(io.get_executor(), site, [this](model::Event e) { events.push_back(std::move(e)); });
    file->start();
    return *file;
  }
  [[nodiscard]] Servers named() const {
    const auto says = read_text(text_of(path));
    return says ? says->servers : Servers{};
  }
};

}  // namespace

TEST_CASE("resolvers: the circuit's own first, then the fallback, then others', at most three") {
  const model::Site site = site_with_resolvers();
  const ResolverAnswers nothing;
  CHECK(in_order(site, kFiber, nothing) == Servers{ip("10.0.1.53"), ip("10.0.1.54"), ip("192.0.2.53")});
  CHECK(in_order(site, kCoax, nothing) == Servers{ip("10.0.2.53"), ip("192.0.2.53"), ip("10.0.1.53")});
  CHECK(in_order(site, std::nullopt, nothing) == Servers{ip("10.0.1.53"), ip("10.0.2.53"), ip("192.0.2.53")});
}

TEST_CASE("resolvers: those of the circuits' IPv6 parts are the last resort; where there is no IPv4 to follow, IPv6 leads") {
  model::Site site = site_with_resolvers();
  model::Circuit six = site.circuits[0];
  six.family = model::Family::V6;
  six.twin = kFiber;
  six.resolvers = {ip("2001:db8::53")};
  site.circuits.push_back(six);
  ResolverAnswers answers;
  answers.heard(ip("2001:db8::53"), true);
  for (int round = 0; round < kSilentAfter; ++round)
    for (const char* a : {"10.0.2.53", "192.0.2.53"}) answers.heard(ip(a), false);
  CHECK(in_order(site, kCoax, answers).front() == ip("2001:db8::53"));
  CHECK(in_order(site, kCoax, ResolverAnswers{}).front() == ip("10.0.2.53"));
  const auto written = file_text(site, kCoax, Servers{ip("2001:db8::53")});
  CHECK(written.find("\nnameserver 2001:db8::53\n") != std::string::npos);
  CHECK(read_text(written)->servers == Servers{ip("2001:db8::53")});
  site.classes[0].family = model::Family::V6;
  site.classes[0].circuits = {model::id_at<model::CircuitId>(2)};
  REQUIRE(followed_class(site));
  CHECK(in_order(site, model::id_at<model::CircuitId>(2), ResolverAnswers{}).front() == ip("2001:db8::53"));
}

TEST_CASE("resolvers: one round without an answer changes nothing, the second puts it last, one answer puts it back") {
  const model::Site site = site_with_resolvers();
  ResolverAnswers answers;
  const Servers usual{ip("10.0.2.53"), ip("192.0.2.53"), ip("10.0.1.53")};
  answers.heard(ip("10.0.2.53"), false);
  CHECK(in_order(site, kCoax, answers) == usual);
  answers.heard(ip("10.0.2.53"), false);
  CHECK(in_order(site, kCoax, answers).front() == ip("192.0.2.53"));
  answers.heard(ip("10.0.2.53"), true);
  CHECK(in_order(site, kCoax, answers) == usual);
  answers.heard(ip("10.0.2.53"), false);
  CHECK(in_order(site, kCoax, answers) == usual);  // counted anew
}

TEST_CASE("resolvers: another circuit's comes before the silent ones when it has been seen to answer, and never nobody is named") {
  const model::Site site = site_with_resolvers();
  ResolverAnswers answers;
  for (int round = 0; round < kSilentAfter; ++round)
    for (const char* a : {"10.0.2.53", "192.0.2.53"}) answers.heard(ip(a), false);
  answers.heard(ip("10.0.1.54"), true);
  CHECK(in_order(site, kCoax, answers) == Servers{ip("10.0.1.54"), ip("10.0.1.53"), ip("10.0.2.53")});
  for (int round = 0; round < kSilentAfter; ++round)
    for (const char* a : {"10.0.1.53", "10.0.1.54"}) answers.heard(ip(a), false);
  CHECK(in_order(site, kCoax, answers) == Servers{ip("10.0.2.53"), ip("192.0.2.53"), ip("10.0.1.53")});  // all silent: as they come
}

TEST_CASE("resolvers: what is written is what the C library reads, and is read back") {
  const model::Site site = site_with_resolvers();
  const Servers servers{ip("10.0.2.53"), ip("192.0.2.53")};
  const std::string text = file_text(site, kCoax, servers);
  CHECK(text.find("\nnameserver 10.0.2.53\nnameserver 192.0.2.53\nsearch example.net\noptions timeout:2\n") != std::string::npos);
  const auto says = read_text(text);
  REQUIRE(says);
  CHECK(says->circuit == "coax");
  CHECK(says->servers == servers);
  CHECK_FALSE(read_text("nameserver 10.0.2.53\n"));  // somebody else's
  CHECK_FALSE(read_text(""));
}

TEST_CASE("resolvers: the file names every circuit's at first, the circuit's in use after a move, and everybody may read it") {
  Follower f;
  ResolverFile& file = f.begin();
  CHECK(f.named() == Servers{ip("10.0.1.53"), ip("10.0.2.53"), ip("192.0.2.53")});
  file.follow(kCoax);
  CHECK(f.named().front() == ip("10.0.2.53"));
  REQUIRE(f.events.size() == 1);
  CHECK(f.events[0].id == model::EventId::ResolversMoved);
  file.follow(kCoax);
  CHECK(f.events.size() == 1);
  struct stat about{};
  REQUIRE(::stat(f.path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777U) == 0644U);
}

TEST_CASE("resolvers: a restart takes over the file as it stands, order and all, and says nothing") {
  Follower f;
  const Servers learned{ip("192.0.2.53"), ip("10.0.2.53")};
  std::ofstream(f.path) << file_text(*f.site, kCoax, learned);
  f.begin().follow(kCoax);
  CHECK(f.named() == learned);
  CHECK(f.events.empty());
  f.file.reset();
  CHECK(f.named() == learned);  // and stopping leaves it
  f.begin().follow(kFiber);
  CHECK(f.named().front() == ip("10.0.1.53"));
}

TEST_CASE("resolvers: a file with a server that is no longer configured is not taken over") {
  Follower f;
  std::ofstream(f.path) << file_text(*f.site, kCoax, Servers{ip("10.9.9.9"), ip("10.0.2.53")});
  f.begin();
  CHECK(f.named().front() == ip("10.0.2.53"));
}

TEST_CASE("resolvers: a file that cannot be written is told once, with the reason") {
  Follower f;
  f.site->resolvers.file = f.dir / "missing/resolv.conf";
  ResolverFile& file = f.begin();
  REQUIRE(f.events.size() == 1);
  CHECK(f.events[0].id == model::EventId::ResolversUnwritten);
  CHECK(f.events[0].text.find("missing/resolv.conf.new: No such file or directory") != std::string::npos);
  file.follow(kCoax);
  CHECK(f.events.size() == 1);  // nothing has moved for those who look up names
  model::Status status;
  file.fill(status);
  REQUIRE(status.resolvers);
  CHECK_FALSE(status.resolvers->problem.empty());
}

TEST_CASE("resolvers: the configuration must have somebody to name by every circuit, and a class to follow") {
  const std::string none = config_text::kSound + "[resolvers]\nfile = \"/run/x/resolv.conf\"\n";
  const auto loaded = config::parse(none, "x.toml");
  REQUIRE(loaded.problems.size() == 2);
  CHECK(loaded.problems[0].what == "[resolvers] has no fallback, and circuit \"fiber\" of class \"voice\" has no resolvers");
  const auto selected = config::parse(config_text::after("name = \"voice\"", "match = { mark = 1 }", kText), "x.toml");
  REQUIRE(selected.problems.size() == 1);
  CHECK(selected.problems[0].what == "[resolvers] follows the class without a match, and there is none");
  CHECK(config::parse(kText, "x.toml").problems.empty());
  CHECK_FALSE(followed_class(*config::parse(config_text::kSound, "x.toml").site));
}
