#include "controller/switch/switch_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

namespace linekeeper::route {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxFile = 512 * 1024;

model::Error failure(const std::string& what, const std::string& path) {
  return {.what = what + " " + path + ": " + std::strerror(errno), .remedy = "check the directory and its owner", .code = errno};
}

json::array instants(const std::vector<model::Instant>& all) {
  json::array a;
  for (const auto t : all) a.emplace_back(t.time_since_epoch().count());
  return a;
}

std::vector<model::Instant> read_instants(const json::value& v) {
  std::vector<model::Instant> all;
  for (const json::value& t : v.as_array()) all.emplace_back(model::Duration(t.as_int64()));
  return all;
}

json::object write_flows(const FlowMemory& f) {
  json::array behind, old;
  for (const LeftBehind& b : f.behind)
    behind.push_back(json::object{{"ipv6", b.family == model::Family::V6},
                                  {"circuit", b.circuit},
                                  {"class", b.traffic_class},
                                  {"name", b.circuit_name},
                                  {"state", static_cast<int>(b.state)},
                                  {"deadline", b.deadline.time_since_epoch().count()},
                                  {"next", b.next.time_since_epoch().count()},
                                  {"looks", b.looks},
                                  {"flows", b.flows}});
  for (const OldAddress& o : f.old_addresses)
    old.push_back(
        json::object{{"circuit", o.circuit}, {"address", o.address.to_string()}, {"next", o.next.time_since_epoch().count()}, {"looks", o.looks}});
  return {{"behind", std::move(behind)}, {"old_addresses", std::move(old)}, {"wanted_table", f.wanted_table}, {"shown_table", f.shown_table}};
}

model::Instant read_instant(const json::value& v) { return model::Instant(model::Duration(v.as_int64())); }

FlowMemory read_flows(const json::value& v) {
  FlowMemory f;
  for (const json::value& b : v.at("behind").as_array()) {
    const int state = b.at("state").to_number<int>();
    const json::value* ipv6 = b.as_object().if_contains("ipv6");  // earlier releases had none
    f.behind.push_back({.family = ipv6 != nullptr && ipv6->as_bool() ? model::Family::V6 : model::Family::V4,
                        .circuit = b.at("circuit").to_number<std::uint32_t>(),
                        .traffic_class = b.at("class").to_number<std::uint32_t>(),
                        .circuit_name = std::string(b.at("name").as_string()),
                        .state = state >= 0 && state <= static_cast<int>(Behind::Unshared) ? static_cast<Behind>(state) : Behind::Drains,
                        .deadline = read_instant(b.at("deadline")),
                        .next = read_instant(b.at("next")),
                        .looks = b.at("looks").to_number<std::uint32_t>(),
                        .flows = b.at("flows").to_number<std::uint64_t>()});
  }
  for (const json::value& o : v.at("old_addresses").as_array())
    if (const auto address = model::IpAddress::parse(std::string(o.at("address").as_string())))
      f.old_addresses.push_back({.circuit = o.at("circuit").to_number<std::uint32_t>(),
                                 .address = *address,
                                 .next = read_instant(o.at("next")),
                                 .looks = o.at("looks").to_number<std::uint32_t>()});
  f.wanted_table = v.at("wanted_table").as_string();
  f.shown_table = v.at("shown_table").as_string();
  return f;
}

}  // namespace

model::Result<Memory> MemoryFile::load() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return Memory{};
  if (fd < 0) return std::unexpected(failure("cannot read", path_));
  std::string text(kMaxFile, '\0');
  std::size_t size = 0;
  for (ssize_t got = 0; size < text.size() && (got = ::read(fd, text.data() + size, text.size() - size)) > 0;) size += static_cast<std::size_t>(got);
  ::close(fd);
  text.resize(size);
  const auto newline = text.find('\n');
  Memory memory;
  try {  // our own file, but a damaged one must not stop the switch: boost::json says what is wrong by throwing
    const json::value v = json::parse(std::string_view(text).substr(newline == std::string::npos ? text.size() : newline + 1));
    memory.accepted = v.at("accepted").to_number<std::uint64_t>();
    for (const json::value& h : v.at("history").as_array())
      memory.history[h.at("table").to_number<std::uint32_t>()] = {.moves = read_instants(h.at("moves")), .escapes = read_instants(h.at("escapes"))};
    if (const json::value* flows = v.as_object().if_contains("flows")) memory.flows = read_flows(*flows);
  } catch (const std::exception& e) {
    return std::unexpected(
        model::Error{.what = "cannot understand " + path_ + ": " + e.what(), .remedy = "it is set aside; limits on moves start afresh"});
  }
  if (newline == 0) return memory;  // no plan was applied yet
  auto request = parse_request(std::string_view(text).substr(0, newline));
  const Apply* plan = request ? std::get_if<Apply>(&*request) : nullptr;
  if (plan != nullptr) {
    memory.applied = plan->generation;
    memory.desired = plan->desired;
  }
  return memory;
}

model::Result<void> MemoryFile::save(const Memory& memory) const {
  std::string text =
      memory.desired ? encode(Request(Apply{.generation = memory.applied, .desired = *memory.desired, .retired_classes = {}})) : std::string();
  json::array history;
  for (const auto& [table, h] : memory.history)
    history.push_back(json::object{{"table", table}, {"moves", instants(h.moves)}, {"escapes", instants(h.escapes)}});
  text += "\n" + json::serialize(json::object{{"accepted", memory.accepted}, {"history", std::move(history)}, {"flows", write_flows(memory.flows)}}) +
          "\n";
  const std::string fresh = path_ + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return std::unexpected(failure("cannot write", fresh));
  const ssize_t wrote = ::write(fd, text.data(), text.size());
  const bool whole = wrote == static_cast<ssize_t>(text.size());
  if (!whole && wrote >= 0) errno = ENOSPC;
  const bool closed = ::close(fd) == 0;
  if (!whole || !closed) return std::unexpected(failure("cannot write", fresh));
  if (::rename(fresh.c_str(), path_.c_str()) < 0) return std::unexpected(failure("cannot replace", path_));
  return {};
}

void MemoryFile::remove() const { ::unlink(path_.c_str()); }

}  // namespace linekeeper::route
