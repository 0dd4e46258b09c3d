// The drivers of Asterisk and DNS with real Asterisks, 16 and 22 (trees of Debian bullseye and sid, tests/lab/debian_tree.py), and a real BIND, held
// to the contract of all drivers. What stands is looked at by others than us: Asterisk's own console, and libldns' resolver and signatures.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>

#include "carriers/trunks/ldns_handles.hpp"
#include "carriers/trunks/leased_order.hpp"
#include "tests/sockets/namespace.hpp"
#include "tests/sockets/programs.hpp"
#include "tests/support/driver_contract.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using tests::output_of;
using tests::wait_for;
using tests::write_file;
using tests::write_secret;
using trunks::Order;

namespace {

// ---- Asterisk

/// The tree's folder, or "" where there is none and none can be made: then it says why.
std::string asterisk_tree(const std::string& release) {
  static std::map<std::string, std::string> trees;
  const auto [at, fresh] = trees.emplace(release, "");
  if (fresh) {
    at->second = output_of("python3 " LK_DEBIAN_TREE " " + release);
    while (at->second.ends_with('\n')) at->second.pop_back();
  }
  if (std::filesystem::exists(at->second + "/usr/sbin/asterisk")) return at->second;
  MESSAGE("SKIPPED: no ", release, " here: ", at->second);
  return "";
}

/// body(tree), for each release that can be had.
template <class Body>
void with_each_asterisk(Body body) {
  for (const char* release : {"asterisk-bullseye", "asterisk-sid"}) {
    CAPTURE(release);
    if (const auto tree = asterisk_tree(release); !tree.empty()) body(tree);
  }
}

/// Where Debian has them moved between the two releases.
std::string modules_in(const std::string& tree) {
  const std::string by_machine = "/usr/lib/x86_64-linux-gnu/asterisk/modules";
  return std::filesystem::exists(tree + by_machine) ? by_machine : "/usr/lib/asterisk/modules";
}

class AsteriskPeer final : public tests::Peer {
 public:
  explicit AsteriskPeer(const std::string& tree, bool telephony = false)
      : tree_(tree), inside_("/tmp/lk-" + std::to_string(::getpid()) + "-" + std::to_string(++made)), folder_(tree + inside_) {
    std::filesystem::create_directories(folder_);
    std::string places;
    for (const auto* name : {"astetcdir", "astdbdir", "astrundir", "astlogdir", "astspooldir", "astkeydir", "astagidir"})
      places += std::string(name) + " => " + inside_ + "\n";
    write_file(folder_ + "/asterisk.conf", "[directories]\n" + places + "astmoddir => " + modules_in(tree) +
                                               "\nastvarlibdir => /usr/share/asterisk\nastdatadir => /usr/share/asterisk\n");
    write_file(folder_ + "/modules.conf", std::string("[modules]\nautoload = ") + (telephony ? "yes\n" : "no\n"));
    write_file(folder_ + "/logger.conf", "[logfiles]\nfull => notice,warning,error,verbose(3)\n");
    write_file(folder_ + "/pjsip.conf", "[lan]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:5060\n");
    std::filesystem::copy_file(LK_EXTENSIONS_CONF, folder_ + "/linekeeper.conf");
    write_file(folder_ + "/extensions.conf",
               "#include linekeeper.conf\n[test]\nexten => _X.,1,Gosub(linekeeper-out,s,1(${EXTEN}))\n same => n,Hangup()\n");
    std::ifstream shipped(LK_MANAGER_CONF);
    std::string manager{std::istreambuf_iterator<char>(shipped), {}};
    manager.replace(manager.find("CHANGE-ME"), 9, "s3cret");
    write_file(folder_ + "/manager.conf", manager);
    write_secret(folder_ + "/secret", "s3cret");
    start();
  }
  ~AsteriskPeer() override {
    asterisk_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void start() {
    asterisk_.emplace(std::vector<std::string>{"chroot", tree_, "/usr/sbin/asterisk", "-f", "-C", inside_ + "/asterisk.conf"});
    REQUIRE_MESSAGE(wait_for([&] { return console("core waitfullybooted").contains("fully booted"); }), "Asterisk does not start");
  }
  void restart() {
    asterisk_.reset();
    start();
  }
  model::Pbx pbx() const {
    model::Pbx p;
    p.name = "ast";
    p.driver = model::PbxDriver::Asterisk;
    p.address = *model::IpAddress::parse("127.0.0.1");
    p.port = 5038;
    p.user = "linekeeper";
    p.secret_file = folder_ + "/secret";
    p.store = "linekeeper";
    p.lease = kept_for;
    p.refresh = 1s;
    p.reply_timeout = 2s;  // Asterisk thinks for a second before it refuses a login
    return p;
  }
  std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                         trunks::Pace pace) override {
    return trunks::make_driver(executor, pbx(), "/tmp", std::move(on_report), pace);
  }
  std::optional<Order> holds(const std::string& key) override {
    const auto said = console("database get linekeeper " + key);
    const auto at = said.find("Value: ");
    if (at == std::string::npos) return std::nullopt;
    const auto order = trunks::parse_leased(std::string_view(said).substr(at + 7, said.find('\n', at) - at - 7));
    if (!order || order->ends <= std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count())
      return std::nullopt;
    return order->ways;
  }
  void change(const std::string& key, const Order& order) override {
    const auto ends = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count() + 3;
    console("database put linekeeper " + key + " \\\"" + *trunks::encode_leased({order, ends}) + "\\\"");
  }
  void lose_everything() override { console("database deltree linekeeper"); }
  void hang(bool hangs) override { ::kill(asterisk_->pid(), hangs ? SIGSTOP : SIGCONT); }
  Order ways() override { return {"north-fiber", "south-fiber", "north-coax", "south_coax.2"}; }
  std::optional<std::chrono::milliseconds> lease() override { return 4s; }

  model::Duration kept_for = 4s;

  std::string console(const std::string& command) const {
    return output_of("chroot " + tree_ + " /usr/sbin/asterisk -C " + inside_ + "/asterisk.conf -rx \"" + command + "\"");
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  static inline int made = 0;
  const std::string tree_, inside_, folder_;
  std::optional<tests::Child> asterisk_;
};

// ---- BIND

constexpr const char* kSecret = "c2l4dGVlbiBieXRlcyBsb25nIQ==";

class BindPeer final : public tests::Peer {
 public:
  BindPeer() {
    write_file(dir / "named.conf",
               "options { directory \"" + dir.path.string() +
                   "\"; pid-file none; session-keyfile none; listen-on { 127.0.0.1; }; "
                   "listen-on-v6 { none; }; recursion no; dnssec-validation no; };\ncontrols { };\n"
                   "key \"linekeeper\" { algorithm hmac-sha256; secret \"" +
                   std::string(kSecret) +
                   "\"; };\n"
                   "key \"stranger\" { algorithm hmac-sha256; secret \"" +
                   kSecret +
                   "\"; };\n"
                   "zone \"lab.example\" { type primary; file \"zone\"; update-policy { grant linekeeper zonesub SRV A AAAA; }; };\n");
    write_file(dir / "zone", "$TTL 5\n@ SOA ns root 1 60 60 60 0\n@ NS ns\nns A 127.0.0.1\n");
    write_secret(dir / "secret", kSecret);
    named_.emplace(std::vector<std::string>{"named", "-g", "-n", "1", "-c", dir / "named.conf"});
    resolver_.reset(ldns_resolver_new());
    const trunks::LdnsRdf server(ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, "127.0.0.1"));
    ldns_resolver_push_nameserver(resolver_.get(), server.get());
    ldns_resolver_set_tsig_keyname(resolver_.get(), "linekeeper.");
    ldns_resolver_set_tsig_keydata(resolver_.get(), kSecret);
    ldns_resolver_set_tsig_algorithm(resolver_.get(), "hmac-sha256.");
    ldns_resolver_set_retry(resolver_.get(), 1);
    ldns_resolver_set_timeout(resolver_.get(), {1, 0});
    REQUIRE_MESSAGE(wait_for([&] { return lookup("ns.lab.example.", LDNS_RR_TYPE_A).size() == 1; }), "BIND does not start");
  }
  model::Pbx pbx() const {
    model::Pbx p;
    p.name = "dns";
    p.driver = model::PbxDriver::Dns;
    p.address = *model::IpAddress::parse("127.0.0.1");
    p.port = 53;
    p.user = "linekeeper";
    p.secret_file = dir / "secret";
    p.zone = "lab.example";
    p.lease = 4s;
    p.refresh = 1s;
    p.reply_timeout = 1s;
    return p;
  }
  std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                         trunks::Pace pace) override {
    return trunks::make_driver(executor, pbx(), "/tmp", std::move(on_report), pace);
  }
  std::optional<Order> holds(const std::string& key) override {
    auto records = lookup(key + ".lab.example.", LDNS_RR_TYPE_SRV);
    if (records.empty()) return std::nullopt;
    std::ranges::sort(records);
    Order order;
    for (const auto& [priority, way] : records) order.push_back(way);
    return order;
  }
  void change(const std::string& key, const Order& order) override {
    std::vector<std::string> values;
    for (const auto& way : order)
      values.push_back(std::to_string(10 * (values.size() + 1)) + " 0 " + way.substr(way.find(':') + 1) + " " + way.substr(0, way.find(':')) + ".");
    update(key, values);
  }
  void lose_everything() override {
    update("order", {});
    update("other", {});
  }
  void hang(bool hangs) override { ::kill(named_->pid(), hangs ? SIGSTOP : SIGCONT); }
  Order ways() override { return {"fiber.north.example:5060", "coax.north.example:5070", "fiber.south.example:5060", "coax.south.example:5080"}; }

  /// Each record's first number (an SRV's priority), and "host:port" or the address.
  std::vector<std::pair<int, std::string>> lookup(const std::string& name, ldns_rr_type type) {
    std::vector<std::pair<int, std::string>> found;
    const trunks::LdnsRdf owner(ldns_dname_new_frm_str(name.c_str()));
    ldns_resolver_set_nameserver_rtt(resolver_.get(), 0, LDNS_RESOLV_RTT_MIN);  // one that was silent once is asked again
    const trunks::LdnsPacket answer(ldns_resolver_query(resolver_.get(), owner.get(), type, LDNS_RR_CLASS_IN, 0));
    if (!answer) return found;
    const auto text = [](const ldns_rr* rr, std::size_t field) { return std::string(trunks::LdnsText(ldns_rdf2str(ldns_rr_rdf(rr, field))).get()); };
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(ldns_pkt_answer(answer.get())); ++i) {
      const auto* rr = ldns_rr_list_rr(ldns_pkt_answer(answer.get()), i);
      CHECK(ldns_rr_ttl(rr) <= 5);
      if (type != LDNS_RR_TYPE_SRV) {
        found.emplace_back(0, text(rr, 0));
        continue;
      }
      auto host = text(rr, 3);
      host.pop_back();
      found.emplace_back(std::stoi(text(rr, 0)), host + ":" + text(rr, 2));
    }
    return found;
  }

  tests::TempDir dir;

 private:
  void update(const std::string& key, const std::vector<std::string>& values) {
    const trunks::LdnsList changes(ldns_rr_list_new());
    ldns_rr* gone = ldns_rr_new();
    ldns_rr_set_owner(gone, ldns_dname_new_frm_str((key + ".lab.example.").c_str()));
    ldns_rr_set_type(gone, LDNS_RR_TYPE_SRV);
    ldns_rr_set_class(gone, LDNS_RR_CLASS_ANY);
    ldns_rr_set_ttl(gone, 0);
    ldns_rr_list_push_rr(changes.get(), gone);
    const std::string record = key + ".lab.example. 5 IN SRV ";
    for (const auto& value : values) {
      ldns_rr* rr = nullptr;
      REQUIRE(ldns_rr_new_frm_str(&rr, (record + value).c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK);
      ldns_rr_list_push_rr(changes.get(), rr);
    }
    const trunks::LdnsPacket packet(ldns_update_pkt_new(ldns_dname_new_frm_str("lab.example."), LDNS_RR_CLASS_IN, nullptr, changes.get(), nullptr));
    ldns_pkt_set_random_id(packet.get());
    ldns_resolver_set_nameserver_rtt(resolver_.get(), 0, LDNS_RESOLV_RTT_MIN);
    REQUIRE(ldns_pkt_tsig_sign(packet.get(), "linekeeper.", kSecret, 300, "hmac-sha256.", nullptr) == LDNS_STATUS_OK);
    ldns_pkt* read = nullptr;
    ldns_resolver_send_pkt(&read, resolver_.get(), packet.get());
    const trunks::LdnsPacket answer(read);
    CAPTURE(answer ? static_cast<int>(ldns_pkt_get_rcode(answer.get())) : -1);
    REQUIRE((answer && ldns_pkt_get_rcode(answer.get()) == LDNS_RCODE_NOERROR));
  }
  struct FreeResolver {
    void operator()(ldns_resolver* r) const { ldns_resolver_deep_free(r); }
  };

  std::optional<tests::Child> named_;
  std::unique_ptr<ldns_resolver, FreeResolver> resolver_;
};

bool has_bind() {
  if (::access("/usr/sbin/named", X_OK) == 0) return true;
  MESSAGE("SKIPPED: /usr/sbin/named is not installed (Debian package bind9)");
  return false;
}

}  // namespace

TEST_CASE("contract: Asterisk by AMI") {
  with_each_asterisk([](const std::string& tree) {
    AsteriskPeer peer(tree);
    tests::hold_to_contract(peer);
  });
}

TEST_CASE("asterisk: the order outlives its restart, and nothing needs to be corrected after it") {
  with_each_asterisk([](const std::string& tree) {
    AsteriskPeer peer(tree);
    peer.kept_for = 60s;
    tests::DriverBench bench(peer);
    REQUIRE(bench.apply("order", {"a", "b"}));
    CHECK_FALSE(bench.until([] { return false; }, 2s));  // Asterisk writes AstDB to its disk after a second
    peer.restart();
    CHECK(peer.holds("order") == Order{"a", "b"});
    CHECK_FALSE(bench.until([] { return false; }, 500ms));
    CHECK(bench.until([&] { return bench.in_sync(); }));
    CHECK(bench.corrections() == 0);
  });
}

TEST_CASE("asterisk: the shipped dialplan dials in our order, and in its own once the lease has ended") {
  with_each_asterisk([](const std::string& tree) {
    AsteriskPeer peer(tree, true);
    peer.console("core set verbose 3");
    // A call of the test's own hand, not of our user's: that one may not. There are no such endpoints, so each is passed over for the next.
    const auto dialled = [&] {
      write_file(peer.folder() + "/full", "");
      peer.console("channel originate Local/4912345@test application Wait 1");
      std::string log;
      wait_for([&] {
        std::ifstream file(peer.folder() + "/full");
        log = std::string{std::istreambuf_iterator<char>(file), {}};
        return log.contains("Return(");
      });
      Order order;
      constexpr std::string_view kDial = "\"PJSIP/4912345@";
      for (auto at = log.find(kDial); at != std::string::npos; at = log.find(kDial, at + 1))
        order.push_back(log.substr(at + kDial.size(), log.find(',', at) - at - kDial.size()));
      return order;
    };
    const Order its_own{"north-fiber", "south-fiber", "north-coax", "south-coax"};
    CHECK(dialled() == its_own);
    tests::DriverBench bench(peer);
    REQUIRE(bench.apply("order", {"south-coax", "north-fiber"}));
    CHECK(dialled() == Order{"south-coax", "north-fiber"});
    bench.driver->stop();
    CHECK(wait_for([&] { return !peer.holds("order"); }));
    CHECK(dialled() == its_own);
    peer.console("database put linekeeper order rubbish");
    CHECK(dialled() == its_own);
  });
}

TEST_CASE("asterisk: a wrong secret and a user without system are told with what to do") {
  with_each_asterisk([](const std::string& tree) {
    AsteriskPeer peer(tree);
    write_secret(peer.folder() + "/secret", "wrong");
    {
      tests::DriverBench bench(peer);
      const auto refused = bench.apply("order", {"a"});
      REQUIRE_FALSE(refused);
      CAPTURE(refused.error().to_string());
      CHECK(refused.error().what.contains("login of linekeeper is refused"));
      CHECK(refused.error().remedy.contains("manager.conf"));
    }
    write_secret(peer.folder() + "/secret", "s3cret");
    write_file(peer.folder() + "/manager.conf",
               "[general]\nenabled = yes\nbindaddr = 127.0.0.1\n[linekeeper]\nsecret = s3cret\nread =\nwrite = call\n");
    peer.console("manager reload");
    tests::DriverBench bench(peer);
    const auto refused = bench.apply("order", {"a"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().remedy.contains("write = system"));
  });
}

TEST_CASE("contract: DNS by a real BIND") {
  if (!has_bind()) return;
  BindPeer peer;
  tests::hold_to_contract(peer);
}

TEST_CASE("dns: addresses are records of their own type, and one takes the other's place") {
  if (!has_bind()) return;
  BindPeer peer;
  tests::DriverBench bench(peer);
  REQUIRE(bench.apply("sip", {"198.51.100.7"}));
  CHECK(peer.lookup("sip.lab.example.", LDNS_RR_TYPE_A) == std::vector<std::pair<int, std::string>>{{0, "198.51.100.7"}});
  REQUIRE(bench.apply("sip", {"203.0.113.9"}));
  CHECK(peer.lookup("sip.lab.example.", LDNS_RR_TYPE_A) == std::vector<std::pair<int, std::string>>{{0, "203.0.113.9"}});
  // Several addresses of one name have no order: the best stands alone, and what is read back is the order all the same.
  REQUIRE(bench.apply("sip", {"198.51.100.7", "203.0.113.9"}));
  CHECK(peer.lookup("sip.lab.example.", LDNS_RR_TYPE_A) == std::vector<std::pair<int, std::string>>{{0, "198.51.100.7"}});
  CHECK(bench.until([&] { return bench.in_sync(); }));
  CHECK(bench.corrections() == 0);
  REQUIRE(bench.apply("sip", {"203.0.113.9", "198.51.100.7"}));
  CHECK(peer.lookup("sip.lab.example.", LDNS_RR_TYPE_A) == std::vector<std::pair<int, std::string>>{{0, "203.0.113.9"}});
  REQUIRE(bench.apply("sip6", {"2001:db8::9"}));
  CHECK(peer.lookup("sip6.lab.example.", LDNS_RR_TYPE_AAAA) == std::vector<std::pair<int, std::string>>{{0, "2001:db8::9"}});
}

TEST_CASE("dns: what BIND refuses is told with what to do") {
  if (!has_bind()) return;
  BindPeer peer;
  const auto told = [&](auto bend) {
    auto pbx = peer.pbx();
    bend(pbx);
    boost::asio::io_context io;
    auto driver = trunks::make_driver(io.get_executor(), pbx, "/tmp", [](const trunks::PbxReport&) {});
    std::optional<model::Result<void>> answer;
    driver->start();
    driver->apply("order", {"h.example:5060"}, 1, [&](model::Result<void> r) { answer = std::move(r); });
    REQUIRE(tests::run_until(io, [&] { return answer.has_value(); }));
    driver->stop();
    return *answer ? std::string("no error") : answer->error().to_string();
  };
  CHECK(told([](model::Pbx& p) { p.user = "nobody"; }).contains("BADKEY"));
  CHECK(told([](model::Pbx& p) { p.user = "stranger"; }).contains("REFUSED"));
  CHECK(told([](model::Pbx& p) { p.zone = "other.example"; }).contains("NOTAUTH"));
  write_secret(peer.dir / "secret", "MTIzNDU2Nzg5MDEyMzQ1Ng==");
  CHECK(told([](model::Pbx&) {}).contains("BADSIG"));
  std::filesystem::permissions(peer.dir / "secret", std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  CHECK(told([](model::Pbx&) {}).contains("chmod 600"));
}
