#include "controller/switch/protocol.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

namespace linekeeper::route {
namespace {

namespace json = boost::json;

// Far above any site, far below what could hurt: a plan that needs more than this does not fit into kMaxMessage either.
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxList = 1024;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxSentence = 1024;
constexpr std::size_t kMaxChanges = 90;  // of kMaxChange bytes: an Applied always fits into kMaxMessage, with what it held
constexpr std::size_t kMaxChange = 200;
constexpr std::uint64_t kMaxDrain = 366UL * 86'400;
constexpr std::size_t kMaxFlowLines = 128;  // of each kind: a Flows fits into kMaxMessage with the longest names
constexpr std::size_t kMaxHeldWords = 160;

model::Error malformed(std::string what) {
  return {.what = "malformed message: " + std::move(what), .remedy = "linekeeperd and linekeeper-switch must be of the same release"};
}

/// Reads members of one object; the first mistake is kept, later ones are ignored, nothing throws.
class Reader {
 public:
  Reader(const json::value& value, std::string where, std::string& mistake)
      : object_(value.if_object()), where_(std::move(where)), mistake_(mistake) {
    if (object_ == nullptr) fail("", "is not an object");
  }

  [[nodiscard]] bool failed() const { return !mistake_.empty(); }

  std::string text(std::string_view key, std::size_t longest) {
    const json::value* v = member(key, true);
    if (v == nullptr) return {};
    const json::string* s = v->if_string();
    if (s == nullptr || s->size() > longest || std::ranges::any_of(*s, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
      fail(key, "is not a text of at most " + std::to_string(longest) + " characters");
      return {};
    }
    return std::string(*s);
  }

  std::optional<std::string> maybe_text(std::string_view key, std::size_t longest) {
    if (member(key, false) == nullptr) return std::nullopt;
    return text(key, longest);
  }

  std::uint64_t number(std::string_view key, std::uint64_t largest) {
    const json::value* v = member(key, true);
    if (v == nullptr) return 0;
    std::uint64_t n = 0;
    if (const auto* u = v->if_uint64())
      n = *u;
    else if (const auto* i = v->if_int64(); i != nullptr && *i >= 0)
      n = static_cast<std::uint64_t>(*i);
    else
      n = std::numeric_limits<std::uint64_t>::max();
    if (n > largest || (v->is_uint64() == false && v->is_int64() == false)) {
      fail(key, "is not a whole number from 0 to " + std::to_string(largest));
      return 0;
    }
    return n;
  }

  std::optional<std::uint32_t> maybe_u32(std::string_view key) {
    if (member(key, false) == nullptr) return std::nullopt;
    return u32(key);
  }
  std::uint32_t u32(std::string_view key) { return static_cast<std::uint32_t>(number(key, std::numeric_limits<std::uint32_t>::max())); }

  bool maybe_flag(std::string_view key) { return member(key, false) != nullptr && flag(key); }
  bool flag(std::string_view key) {
    const json::value* v = member(key, true);
    if (v == nullptr) return false;
    if (const bool* b = v->if_bool()) return *b;
    fail(key, "is not true or false");
    return false;
  }

  template <class T>
  std::optional<T> maybe_parsed(std::string_view key) {  // IpAddress or Prefix
    const auto t = maybe_text(key, kMaxName);
    if (!t || failed()) return std::nullopt;
    auto parsed = T::parse(*t);
    if (!parsed) fail(key, "'" + *t + "' is not an address");
    return parsed;
  }

  /// "ipv4" (what is meant when nothing is said) or "ipv6".
  model::Family family() {
    const auto word = maybe_text("family", kMaxName);
    if (word && *word != "ipv4" && *word != "ipv6") fail("family", "is neither ipv4 nor ipv6");
    return word && *word == "ipv6" ? model::Family::V6 : model::Family::V4;
  }

  /// Calls `each(value, where)` for every element; a missing list is empty when it is not required.
  template <class Each>
  void list(std::string_view key, bool required, Each each) {
    const json::value* v = member(key, required);
    if (v == nullptr) return;
    const json::array* a = v->if_array();
    if (a == nullptr || a->size() > kMaxList) return fail(key, "is not a list of at most " + std::to_string(kMaxList));
    for (std::size_t i = 0; i < a->size() && !failed(); ++i) each((*a)[i], where_ + std::string(key) + "[" + std::to_string(i) + "].");
  }

  std::vector<std::string> texts(std::string_view key, std::size_t longest) {
    std::vector<std::string> all;
    list(key, false, [&](const json::value& v, const std::string&) {
      const json::string* s = v.if_string();
      if (s == nullptr || s->size() > longest)
        fail(key, "holds something that is not a short text");
      else
        all.emplace_back(*s);
    });
    return all;
  }

  const json::value* member(std::string_view key, bool required) {
    if (failed() || object_ == nullptr) return nullptr;
    const json::value* v = object_->if_contains(key);
    if (v == nullptr && required) fail(key, "is missing");
    return v;
  }

  void fail(std::string_view key, const std::string& what) {
    if (mistake_.empty()) mistake_ = where_ + std::string(key) + " " + what;
  }

 private:
  const json::object* object_;
  std::string where_;
  std::string& mistake_;
};

std::vector<model::Prefix> read_prefixes(Reader& r, std::string_view key) {
  std::vector<model::Prefix> all;
  for (const std::string& t : r.texts(key, kMaxName)) {
    const auto p = model::Prefix::parse(t);
    if (p)
      all.push_back(*p);
    else
      r.fail(key, "holds '" + t + "', which is not a prefix");
  }
  return all;
}

DesiredCircuit read_circuit(Reader r) {
  DesiredCircuit c;
  c.name = r.text("name", kMaxName);
  c.interface = r.text("interface", kMaxName);
  c.family = r.family();
  c.table = r.u32("table");
  c.gateway = r.maybe_parsed<model::IpAddress>("gateway");
  c.source = r.maybe_parsed<model::IpAddress>("source");
  c.mark = r.maybe_u32("mark");
  if (const auto nat = r.maybe_text("nat", kMaxName)) {
    if (const auto address = model::IpAddress::parse(*nat))
      c.nat = {.kind = Nat::Kind::Fixed, .address = *address};
    else if (*nat == "masquerade")
      c.nat.kind = Nat::Kind::Masquerade;
    else
      r.fail("nat", "is neither 'masquerade' nor an address");
  }
  c.dead = r.maybe_flag("dead");
  c.flow = r.maybe_u32("flow").value_or(0);
  c.pinned_sources = read_prefixes(r, "pinned_sources");
  return c;
}

DesiredClass read_class(Reader r, std::string& mistake) {
  DesiredClass c;
  c.name = r.text("name", kMaxName);
  c.family = r.family();
  c.table = r.u32("table");
  c.circuit = r.text("circuit", kMaxName);
  c.escape = r.flag("escape");
  c.mark = r.maybe_u32("mark");
  c.source = r.maybe_parsed<model::Prefix>("source");
  c.incoming_interface = r.maybe_text("incoming_interface", kMaxName);
  c.destinations = read_prefixes(r, "destinations");
  c.dead_by = r.texts("dead_by", kMaxName);
  if (r.member("drain_s", false) != nullptr) c.drain = std::chrono::seconds(r.number("drain_s", kMaxDrain));
  c.flow = r.maybe_u32("flow").value_or(0);
  r.list("shares", false, [&](const json::value& v, const std::string& where) {
    Reader share(v, where, mistake);
    c.shares.push_back({.circuit = share.text("circuit", kMaxName), .weight = static_cast<std::uint32_t>(share.number("weight", kMaxWeight))});
  });
  return c;
}

Apply read_apply(Reader& r, std::string& mistake) {
  Apply a;
  a.generation = r.number("generation", std::numeric_limits<std::uint64_t>::max() - 1);
  if (const json::value* d = r.member("desired", true)) {
    Reader desired(*d, "desired.", mistake);
    desired.list("circuits", true,
                 [&](const json::value& v, const std::string& where) { a.desired.circuits.push_back(read_circuit({v, where, mistake})); });
    desired.list("classes", true,
                 [&](const json::value& v, const std::string& where) { a.desired.classes.push_back(read_class({v, where, mistake}, mistake)); });
    a.desired.flow_mask = desired.maybe_u32("flow_mask").value_or(0);
  }
  a.retired_classes = r.texts("retired_classes", kMaxName);
  return a;
}

json::array strings(const std::vector<std::string>& all) {
  json::array a;
  for (const auto& s : all) a.emplace_back(s);
  return a;
}

json::array prefixes(const std::vector<model::Prefix>& all) {
  json::array a;
  for (const auto& p : all) a.emplace_back(p.to_string());
  return a;
}

json::array write_shares(const std::vector<DesiredShare>& all) {
  json::array a;
  for (const DesiredShare& s : all) a.push_back(json::object{{"circuit", s.circuit}, {"weight", s.weight}});
  return a;
}

json::object write_desired(const Desired& desired) {
  json::array circuits;
  for (const DesiredCircuit& c : desired.circuits) {
    json::object o{{"name", c.name}, {"interface", c.interface}, {"table", c.table}};
    if (c.family == model::Family::V6) o["family"] = "ipv6";
    if (c.gateway) o["gateway"] = c.gateway->to_string();
    if (c.source) o["source"] = c.source->to_string();
    if (c.mark) o["mark"] = *c.mark;
    if (c.nat.kind != Nat::Kind::Off) o["nat"] = c.nat.kind == Nat::Kind::Fixed ? c.nat.address.to_string() : "masquerade";
    if (c.dead) o["dead"] = true;
    if (c.flow != 0) o["flow"] = c.flow;
    o["pinned_sources"] = prefixes(c.pinned_sources);
    circuits.push_back(std::move(o));
  }
  json::array classes;
  for (const DesiredClass& c : desired.classes) {
    json::object o{{"name", c.name}, {"table", c.table}, {"circuit", c.circuit}, {"escape", c.escape}};
    if (c.family == model::Family::V6) o["family"] = "ipv6";
    if (c.mark) o["mark"] = *c.mark;
    if (c.source) o["source"] = c.source->to_string();
    if (c.incoming_interface) o["incoming_interface"] = *c.incoming_interface;
    if (!c.destinations.empty()) o["destinations"] = prefixes(c.destinations);
    if (!c.shares.empty()) o["shares"] = write_shares(c.shares);
    if (!c.dead_by.empty()) o["dead_by"] = strings(c.dead_by);
    if (c.drain.count() != 0) o["drain_s"] = c.drain.count();
    if (c.flow != 0) o["flow"] = c.flow;
    classes.push_back(std::move(o));
  }
  json::object all{{"circuits", std::move(circuits)}, {"classes", std::move(classes)}};
  if (desired.flow_mask != 0) all["flow_mask"] = desired.flow_mask;
  return all;
}

json::object with_type(std::string_view type) { return {{"v", kProtocolVersion}, {"type", type}}; }

/// At the end of a character, never inside one: half of one is no JSON, and the peer would refuse the whole message.
std::string cut(const std::string& s, std::size_t longest) {
  if (s.size() <= longest) return s;
  while (longest > 0 && (static_cast<unsigned char>(s[longest]) & 0xC0U) == 0x80U) --longest;  // RFC 3629: 10xxxxxx goes on
  return s.substr(0, longest);
}

json::array write_held(const std::vector<HeldMove>& all) {
  json::array a;
  for (const HeldMove& h : all) {
    a.push_back(json::object{{"class", h.traffic_class},
                             {"circuit", h.circuit},
                             {"escape", h.escape},
                             {"guard", h.guard},
                             {"why", cut(h.why, kMaxHeldWords)},
                             {"remedy", cut(h.remedy, kMaxHeldWords)},
                             {"again_ms", h.again_ms}});
  }
  return a;
}

struct Writer {
  json::object operator()(const Hello&) const { return with_type("hello"); }
  json::object operator()(const AskGateway& a) const {
    json::object o = with_type("ask");
    o["circuit"] = a.circuit;
    return o;
  }
  json::object operator()(const Apply& a) const {
    json::object o = with_type("apply");
    o["generation"] = a.generation;
    o["desired"] = write_desired(a.desired);
    if (!a.retired_classes.empty()) o["retired_classes"] = strings(a.retired_classes);
    return o;
  }
  json::object operator()(const StateReply& s) const {
    json::object o = with_type("state");
    o["generation"] = s.generation;
    json::array classes;
    for (const ClassNow& c : s.classes) {
      json::object one{{"name", c.name}, {"table", c.table}, {"circuit", c.circuit}, {"interface", c.interface}};
      if (!c.shares.empty()) one["shares"] = strings(c.shares);
      classes.push_back(std::move(one));
    }
    o["classes"] = std::move(classes);
    return o;
  }
  json::object operator()(const Applied& a) const {
    json::object o = with_type("applied");
    o["generation"] = a.generation;
    json::array changes;
    for (const std::string& c : a.changes) {
      if (changes.size() == kMaxChanges) {
        changes.emplace_back("and " + std::to_string(a.changes.size() - kMaxChanges) + " more");
        break;
      }
      changes.emplace_back(cut(c, kMaxChange));
    }
    o["changes"] = std::move(changes);
    o["took_us"] = a.took_us < 0 ? 0 : a.took_us;
    if (!a.held.empty()) o["held"] = write_held(a.held);
    return o;
  }
  json::object operator()(const Refused& r) const {
    json::object o = with_type("refused");
    o["generation"] = r.generation;
    o["guard"] = r.guard;
    o["why"] = cut(r.why, kMaxSentence);
    o["remedy"] = cut(r.remedy, kMaxSentence);
    if (!r.classes.empty()) o["classes"] = strings(r.classes);
    return o;
  }
  json::object operator()(const Failed& f) const {
    json::object o = with_type("failed");
    o["generation"] = f.generation;
    o["why"] = cut(f.why, kMaxSentence);
    o["remedy"] = cut(f.remedy, kMaxSentence);
    return o;
  }
  json::object operator()(const Drift& d) const {
    json::object o = with_type("drift");
    o["what"] = cut(d.what, kMaxSentence);
    o["repaired"] = d.repaired;
    o["gave_up"] = d.gave_up;
    if (d.foreign) o["foreign"] = true;
    return o;
  }
  json::object operator()(const Flows& f) const {
    json::object o = with_type("flows");
    json::array draining, cuts;
    for (const Draining& d : f.draining)
      if (draining.size() < kMaxFlowLines)
        draining.push_back(
            json::object{{"class", d.traffic_class}, {"circuit", d.circuit}, {"flows", d.flows}, {"left_s", std::max<long>(d.left.count(), 0)}});
    for (const Cut& c : f.cut)
      if (cuts.size() < kMaxFlowLines)
        cuts.push_back(json::object{{"class", c.traffic_class}, {"circuit", c.circuit}, {"why", c.why}, {"flows", c.flows}, {"strays", c.strays}});
    o["draining"] = std::move(draining);
    o["cut"] = std::move(cuts);
    o["problem"] = cut(f.problem, kMaxSentence);
    o["remedy"] = cut(f.remedy, kMaxSentence);
    return o;
  }
};

/// The message as a JSON object of our version, and its type.
model::Result<std::pair<json::value, std::string>> open_message(std::string_view message) {
  if (message.size() > kMaxMessage) return std::unexpected(malformed("longer than " + std::to_string(kMaxMessage) + " bytes"));
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::value value = json::parse(message, error, {}, options);
  if (error) return std::unexpected(malformed("not JSON of at most " + std::to_string(kMaxDepth) + " levels (" + error.message() + ")"));
  std::string mistake;
  Reader r(value, "", mistake);
  const std::uint64_t version = r.number("v", 1'000'000);
  if (mistake.empty() && version != kProtocolVersion) {
    return std::unexpected(model::Error{.what = "the message speaks protocol version " + std::to_string(version) + ", this program speaks version " +
                                                std::to_string(kProtocolVersion),
                                        .remedy = "install linekeeperd and linekeeper-switch of the same release and restart both"});
  }
  std::string type = r.text("type", 16);
  if (!mistake.empty()) return std::unexpected(malformed(mistake));
  return std::pair(std::move(value), std::move(type));
}

std::vector<HeldMove> read_held(Reader& r, std::string& mistake) {
  std::vector<HeldMove> held;
  r.list("held", false, [&](const json::value& v, const std::string& where) {
    Reader h(v, where, mistake);
    held.push_back({.traffic_class = h.text("class", kMaxName),
                    .circuit = h.text("circuit", kMaxName),
                    .escape = h.flag("escape"),
                    .guard = h.text("guard", kMaxName),
                    .why = h.text("why", kMaxSentence),
                    .remedy = h.text("remedy", kMaxSentence),
                    .again_ms = h.u32("again_ms")});
  });
  return held;
}

StateReply read_state(Reader& r, std::string& mistake) {
  StateReply s{.generation = r.number("generation", std::numeric_limits<std::uint64_t>::max()), .classes = {}};
  r.list("classes", true, [&](const json::value& v, const std::string& where) {
    Reader c(v, where, mistake);
    s.classes.push_back({.name = c.text("name", kMaxName),
                         .table = c.u32("table"),
                         .circuit = c.text("circuit", kMaxName),
                         .interface = c.maybe_text("interface", kMaxName).value_or(""),
                         .shares = c.texts("shares", kMaxName)});
  });
  return s;
}

Flows read_flows(Reader& r, std::string& mistake) {
  constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
  Flows f;
  r.list("draining", true, [&](const json::value& v, const std::string& where) {
    Reader d(v, where, mistake);
    f.draining.push_back({.traffic_class = d.text("class", kMaxName),
                          .circuit = d.text("circuit", kMaxName),
                          .flows = d.number("flows", kAny),
                          .left = std::chrono::seconds(d.number("left_s", kMaxDrain))});
  });
  r.list("cut", true, [&](const json::value& v, const std::string& where) {
    Reader c(v, where, mistake);
    f.cut.push_back({.traffic_class = c.text("class", kMaxName),
                     .circuit = c.text("circuit", kMaxName),
                     .why = c.text("why", kMaxName),
                     .flows = c.number("flows", kAny),
                     .strays = c.flag("strays")});
  });
  f.problem = r.text("problem", kMaxSentence);
  f.remedy = r.text("remedy", kMaxSentence);
  return f;
}

}  // namespace

std::string encode(const Request& request) { return json::serialize(std::visit(Writer{}, request)); }

std::string encode(const Reply& reply) { return json::serialize(std::visit(Writer{}, reply)); }

model::Result<Request> parse_request(std::string_view message) {
  auto opened = open_message(message);
  if (!opened) return std::unexpected(opened.error());
  const auto& [value, type] = *opened;
  std::string mistake;
  Reader r(value, "", mistake);
  Request request = Hello{};
  if (type == "apply")
    request = read_apply(r, mistake);
  else if (type == "ask")
    request = AskGateway{.circuit = r.text("circuit", kMaxName)};
  else if (type != "hello")
    return std::unexpected(malformed("'" + type + "' is no request"));
  if (!mistake.empty()) return std::unexpected(malformed(mistake));
  return request;
}

model::Result<Reply> parse_reply(std::string_view message) {
  auto opened = open_message(message);
  if (!opened) return std::unexpected(opened.error());
  const auto& [value, type] = *opened;
  std::string mistake;
  Reader r(value, "", mistake);
  constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
  Reply reply;
  if (type == "state") {
    reply = read_state(r, mistake);
  } else if (type == "applied") {
    reply = Applied{.generation = r.number("generation", kAny),
                    .changes = r.texts("changes", kMaxSentence),
                    .took_us = static_cast<std::int64_t>(r.number("took_us", std::numeric_limits<std::int64_t>::max())),
                    .held = read_held(r, mistake)};
  } else if (type == "refused") {
    reply = Refused{.generation = r.number("generation", kAny),
                    .guard = r.text("guard", kMaxName),
                    .why = r.text("why", kMaxSentence),
                    .remedy = r.text("remedy", kMaxSentence),
                    .classes = r.texts("classes", kMaxName)};
  } else if (type == "failed") {
    reply = Failed{.generation = r.number("generation", kAny), .why = r.text("why", kMaxSentence), .remedy = r.text("remedy", kMaxSentence)};
  } else if (type == "drift") {
    reply =
        Drift{.what = r.text("what", kMaxSentence), .repaired = r.flag("repaired"), .gave_up = r.flag("gave_up"), .foreign = r.maybe_flag("foreign")};
  } else if (type == "flows") {
    reply = read_flows(r, mistake);
  } else {
    return std::unexpected(malformed("'" + type + "' is no reply"));
  }
  if (!mistake.empty()) return std::unexpected(malformed(mistake));
  return reply;
}

}  // namespace linekeeper::route
