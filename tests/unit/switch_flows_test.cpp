// Marks, their numbers, and the text of our nftables table.
#include <doctest/doctest.h>

#include "controller/switch/flow_table.hpp"
#include "controller/switch/route_diff.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

Desired marked(std::uint32_t mask = 0x00ff0000) {
  Desired d = site("fiber", "coax");
  d.flow_mask = mask;
  number_flows(d, std::nullopt, {});
  return d;
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("flow marks: the lower half of the mask, rounded up, numbers circuits, the rest classes") {
  const FlowMarks even(0x00ff0000);
  CHECK(even.circuit_mask() == 0x000f0000);
  CHECK(even.most_circuits() == 15);
  CHECK(even.most_classes() == 15);
  CHECK(even.value(2, 3) == 0x00320000);
  CHECK(even.circuit_in(0xff32ffff) == 2);
  CHECK(even.class_in(0xff32ffff) == 3);
  const FlowMarks odd(0x7);
  CHECK(odd.most_circuits() == 3);
  CHECK(odd.most_classes() == 1);
  const FlowMarks whole(0xffffffff);
  CHECK(whole.most_circuits() == 0xffff);
  CHECK(whole.value(1, 1) == 0x00010001);
  CHECK_FALSE(FlowMarks(0).on());
}

TEST_CASE("flow marks: a mask is one run of two bits or more") {
  for (const std::uint32_t mask : {0x3U, 0xc0000000U, 0xffffffffU, 0x00ff0000U}) CHECK(FlowMarks::sound(mask));
  for (const std::uint32_t mask : {0U, 1U, 0x80000000U, 5U, 0x00f0f000U}) CHECK_FALSE(FlowMarks::sound(mask));
}

TEST_CASE("flow numbers: are kept under their names whatever the order of the file, and a new one never takes one in use") {
  Desired before = marked();
  CHECK(before.circuits[0].flow == 1);
  CHECK(before.circuits[1].flow == 2);
  Desired after = before;
  std::swap(after.circuits[0], after.circuits[1]);
  DesiredCircuit lte = fiber();
  lte.name = "lte";
  lte.flow = 2;  // what a daemon claims is not asked
  after.circuits.insert(after.circuits.begin(), lte);
  number_flows(after, before, {3});
  CHECK(after.circuits[0].flow == 4);  // 3 is still on connections that are being deleted
  CHECK(after.circuits[1].flow == 2);
  CHECK(after.circuits[2].flow == 1);
}

TEST_CASE("flow numbers: one that was given up is taken again only when there is no other") {
  Desired before = marked(0x7);  // room for three circuits and one class
  before.classes.pop_back();
  Desired after = before;
  after.circuits[0].name = "lte";
  number_flows(after, before, {});
  CHECK(after.circuits[0].flow == 3);
  Desired next = after;
  next.circuits[0].name = "dsl";
  number_flows(next, after, {});
  CHECK(next.circuits[0].flow == 1);
}

TEST_CASE("flow marks: what cannot be marked is a mistake of the plan") {
  Desired d = marked();
  CHECK(flow_mistake(d).empty());
  d.flow_mask = 0x00f0f000;
  CHECK(says(flow_mistake(d), "is not one run"));
  d.flow_mask = 0x7;
  CHECK(says(flow_mistake(d), "room for 3 circuits and 1 classes"));
  d = marked(0x00000ff0);
  CHECK(says(flow_mistake(d), "circuit coax: mark 0x102 has bits"));
  d.circuits[1].mark.reset();
  CHECK(says(flow_mistake(d), "class voice: mark 0x10 has bits"));
  d = marked();
  for (const char* name : {"wan\"0", "wan*", "wan\\", "w\xc3\xa4n"}) {
    d.circuits[0].interface = name;
    CHECK(says(flow_mistake(d), "nftables reads otherwise"));
  }
  d.flow_mask = 0;
  CHECK(flow_mistake(d).empty());
  d.circuits[1].nat.kind = Nat::Kind::Masquerade;
  CHECK(says(flow_mistake(d), "nftables reads otherwise"));
  d.circuits[1].nat = {.kind = Nat::Kind::Fixed, .address = ip("2001:db8::1")};
  CHECK(says(flow_mistake(d), "circuit coax: its sources cannot become 2001:db8::1, which is of the other family"));
  CHECK(foreign_ranges(plan(1, d)));
}

TEST_CASE("flow numbers: IPv4 and IPv6 have their own, and each is to fit into the marks") {
  Desired d = marked(0xf);  // room for three circuits and three classes
  DesiredCircuit six = fiber();
  six.name = "fiber-ipv6";
  six.family = model::Family::V6;
  d.circuits.insert(d.circuits.begin(), six);
  number_flows(d, std::nullopt, {});
  CHECK(d.circuits[0].flow == 1);
  CHECK(d.circuits[1].flow == 1);
  CHECK(d.circuits[2].flow == 2);
  CHECK(flow_mistake(d).find("room") == std::string::npos);
  for (const char* more : {"b", "c", "d"}) {
    six.name = more;
    d.circuits.push_back(six);
    CHECK((flow_mistake(d).find("room for 3 circuits and 3 classes, and there are 4") != std::string::npos) == (std::string(more) == "d"));
  }
  // A plan that an earlier release carried out numbered none of IPv6.
  Desired before = d;
  before.circuits[0].flow = 0;
  before.circuits.resize(3);
  d.circuits.resize(3);
  number_flows(d, before, {});
  CHECK(d.circuits[0].flow == 1);
}

TEST_CASE("flow table: IPv6 has one of its own, of the circuits and classes that are of it") {
  Desired d = marked();
  CHECK(flow_table(d, model::Family::V6).chains.empty());
  d.circuits[0].nat.kind = Nat::Kind::Masquerade;
  DesiredCircuit six = fiber();
  six.name = "fiber-ipv6";
  six.family = model::Family::V6;
  six.source = ip("2001:db8:1::2");
  six.pinned_sources = {net("2001:db8:9::/48")};
  d.circuits.push_back(six);
  number_flows(d, std::nullopt, {});
  const std::string text = to_string(flow_table(d, model::Family::V6));
  INFO(text);
  CHECK(text.starts_with("table ip6 linekeeper {"));
  CHECK(says(text, "ip6 saddr 2001:db8:1::2/128 return"));
  CHECK(says(text, "ip6 saddr 2001:db8:9::/48 return"));
  CHECK_FALSE(says(text, "wan1"));
  CHECK_FALSE(says(text, "masquerade"));
  CHECK_FALSE(says(to_string(flow_table(d, model::Family::V4)), "ip6"));
}

TEST_CASE("flow table: none without marks and translations") { CHECK(flow_table(site("fiber", "coax"), model::Family::V4).chains.empty()); }

TEST_CASE("flow table: the same whichever way classes go, so that a move never touches it") {
  Desired d = marked();
  const std::string before = to_string(flow_table(d, model::Family::V4));
  d.classes[0].circuit = "coax";
  d.classes[0].escape = true;
  d.circuits[0].dead = true;
  CHECK(to_string(flow_table(d, model::Family::V4)) == before);
  d.circuits[0].source = ip("10.0.1.9");
  CHECK(to_string(flow_table(d, model::Family::V4)) != before);
}

TEST_CASE("flow table: word for word") {
  Desired d = marked();
  d.circuits[0].nat.kind = Nat::Kind::Masquerade;
  d.circuits[1].nat = {.kind = Nat::Kind::Fixed, .address = ip("203.0.113.7")};
  d.classes[0].source = net("10.77.0.0/28");
  d.classes[0].incoming_interface = "lan0";
  CHECK(to_string(flow_table(d, model::Family::V4)) == R"(table ip linekeeper {
	comment "connections keep to their circuit; written by linekeeper-switch"
	chain classes {
		meta mark & 0xff00ffff == 0x00000010 ip saddr 10.77.0.0/28 iifname "lan0" ct mark set ct mark & 0xff0fffff | 0x00100000 return
		ct mark set ct mark & 0xff0fffff | 0x00200000 return
	}
	chain leave-1 {
		ct mark set ct mark & 0xff00ffff | 0x00010000
		ip saddr 10.0.1.2/32 return
		goto classes
	}
	chain leave-2 {
		ct mark set ct mark & 0xff00ffff | 0x00020000
		ip saddr 10.0.2.2/32 return
		ip saddr 10.9.9.9/32 return
		goto classes
	}
	chain prerouting {
		type filter hook prerouting priority -149; policy accept;
		iifname "wan0" ct mark & 0x00ff0000 == 0x00000000 ct state new ct mark set ct mark & 0xff00ffff | 0x00010000
		iifname "wan0" return
		iifname "wan1" ct mark & 0x00ff0000 == 0x00000000 ct state new ct mark set ct mark & 0xff00ffff | 0x00020000
		iifname "wan1" return
		ct mark & 0x000f0000 == 0x00010000 meta mark set meta mark & 0xff00ffff | 0x00010000 return
		ct mark & 0x000f0000 == 0x00020000 meta mark set meta mark & 0xff00ffff | 0x00020000 return
	}
	chain output {
		type route hook output priority -149; policy accept;
		ct mark & 0x000f0000 == 0x00010000 meta mark set meta mark & 0xff00ffff | 0x00010000 return
		ct mark & 0x000f0000 == 0x00020000 meta mark set meta mark & 0xff00ffff | 0x00020000 return
	}
	chain postrouting {
		type filter hook postrouting priority -149; policy accept;
		ct mark & 0x00ff0000 != 0x00000000 return
		oifname "wan0" goto leave-1
		oifname "wan1" goto leave-2
	}
	chain translation {
		type nat hook postrouting priority 100; policy accept;
		oifname "wan0" ip saddr != 10.0.1.2/32 masquerade
		oifname "wan1" ip saddr != 10.0.2.2/32 snat to 203.0.113.7
	}
}
)");
}

TEST_CASE("flow table: translations alone mark nothing; the class that takes the rest is matched last, wherever it stands") {
  Desired d = site("fiber", "coax");
  d.circuits[0].nat.kind = Nat::Kind::Masquerade;
  CHECK_FALSE(says(to_string(flow_table(d, model::Family::V4)), "ct mark"));
  d = marked();
  std::swap(d.classes[0], d.classes[1]);
  const std::string text = to_string(flow_table(d, model::Family::V4));
  CHECK(text.find("meta mark & 0xff00ffff == 0x00000010") < text.find("0x00200000 return"));
}

TEST_CASE("flow rules: after those of the site's own marks, only for circuits that lead somewhere; own marks without our bits") {
  Desired d = marked();
  const KernelState state = clean();
  const auto rules = wanted(d, state).rules;
  const auto rule = [&](const std::vector<Rule>& all, std::string_view text) {
    return std::ranges::any_of(all, [&](const Rule& r) { return to_string(Object(r)) == text; });
  };
  CHECK(rule(rules, "rule 7110: from all fwmark 0x10000/0xf0000 lookup 7101"));
  CHECK(rule(rules, "rule 7110: from all fwmark 0x20000/0xf0000 lookup 7102"));
  CHECK(rule(rules, "rule 7100: from all fwmark 0x102/0xff00ffff lookup 7102"));
  CHECK(rule(rules, "rule 7500: from all fwmark 0x10/0xff00ffff lookup 7201"));
  KernelState no_link = state;
  no_link.links[1].carrier = false;
  CHECK_FALSE(rule(wanted(d, no_link).rules, "rule 7110: from all fwmark 0x10000/0xf0000 lookup 7101"));
  d.flow_mask = 0;
  CHECK(rule(wanted(d, state).rules, "rule 7100: from all fwmark 0x102 lookup 7102"));
  CHECK(std::ranges::none_of(wanted(d, state).rules, keeps_connections));
}

}  // namespace linekeeper::route
