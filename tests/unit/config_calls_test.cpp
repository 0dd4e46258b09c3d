// [calls].
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

namespace {
const int kHead = static_cast<int>(lines_of(kSound).size()) + 1;  // the line of [calls]
std::string calls(const std::string& lines) { return kSound + "[calls]\n" + lines + "\n"; }
}  // namespace

TEST_CASE("calls: not listened to, unless the section says where") {
  CHECK_FALSE(site_of(kSound).calls.on());
  const auto heard = site_of(calls("hep_listen = \"127.0.0.1\"")).calls;
  REQUIRE(heard.on());
  CHECK(heard.listen->to_string() == "127.0.0.1");
  CHECK(heard.port == 9060);
  CHECK(site_of(calls("hep_listen = \"[::1]:9061\"")).calls.port == 9061);
  check_at(kHead, calls("trial_calls = 3"), "hep_listen", "");
}

TEST_CASE("calls: beyond this machine only with a list of who may send, and never on port 0") {
  check_only(calls("hep_listen = \"10.10.0.1:9060\""), "beyond this machine, without allow", "allow = [");
  CHECK(site_of(calls("hep_listen = \"10.10.0.1:9060\"\nallow = [\"10.10.0.11\"]")).calls.allow.size() == 1);
  check_only(calls("hep_listen = \"127.0.0.1:0\""), "port 0", "1 to 65535");
}

TEST_CASE("calls: limits that contradict each other") {
  const std::string on = "hep_listen = \"127.0.0.1\"\n";
  site_of(calls(on + "slow_min = \"3s\"\nslow_max = \"3s\""));
  check_only(calls(on + "slow_min = \"3s\"\nslow_max = \"2999ms\""), "slow_max is below slow_min", "slow_max");
  site_of(calls(on + "hold_down = \"1h\""));
  check_at(kHead, calls(on + "hold_down = \"61m\""), "hold_down_max is below hold_down", "hold_down_max");
}

TEST_CASE("remarks: calls by a circuit that has no address of the PBX's are told apart by nothing") {
  const auto noted = [](const std::string& text) {
    std::string all;
    for (const auto& remark : config::remarks(site_of(text)))
      if (remark.find("no witnesses") != std::string::npos) all += remark + "\n";
    return all;
  };
  const std::string on = "[calls]\nhep_listen = \"127.0.0.1\"\n";
  CHECK(noted(kSound).empty());
  CHECK(noted(kSound + on).find("circuit fiber") != std::string::npos);
  CHECK(noted(after("name = \"fiber\"", "sources = [\"10.0.0.11\"]") + on).find("circuit fiber") == std::string::npos);
}
