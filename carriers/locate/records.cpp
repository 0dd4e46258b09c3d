#include "carriers/locate/records.hpp"

#include <ares.h>

#include <algorithm>
#include <array>
#include <memory>

namespace linekeeper::locate {
namespace {

constexpr std::size_t kHead = 12;             // RFC 1035 4.1.1
constexpr std::size_t kAfterName = 10;        // of a resource record: type, class, TTL, length (4.1.3)
constexpr std::uint32_t kTtlSign = 1U << 31;  // a TTL with it set is zero (RFC 2181 8)

template <class T>
using Owned = std::unique_ptr<T, decltype(&ares_free_data)>;

std::size_t two(std::span<const std::uint8_t> b, std::size_t at) { return std::size_t{b[at]} << 8 | b[at + 1]; }

/// Where the name at `at` ends; 0: it does not, within the bytes.
std::size_t after_name(std::span<const std::uint8_t> reply, std::size_t at) {
  if (at >= reply.size()) return 0;
  char* name = nullptr;
  long length = 0;
  if (ares_expand_name(reply.data() + at, reply.data(), static_cast<int>(reply.size()), &name, &length) != ARES_SUCCESS) return 0;
  ares_free_string(name);
  return at + static_cast<std::size_t>(length);
}

/// The least TTL of the answer section: c-ares 1.18 tells none for SRV and NAPTR, nor of an alias (CNAME) on the way.
model::Duration least_ttl(std::span<const std::uint8_t> reply) {
  std::size_t at = kHead;
  for (std::size_t n = two(reply, 4); n > 0; --n) {
    at = after_name(reply, at);
    if (at == 0) return {};
    at += 4;
  }
  std::uint32_t least = UINT32_MAX;
  for (std::size_t n = two(reply, 6); n > 0; --n) {
    at = after_name(reply, at);
    if (at == 0 || at + kAfterName > reply.size()) break;
    const auto ttl = static_cast<std::uint32_t>(two(reply, at + 4) << 16 | two(reply, at + 6));
    least = std::min(least, (ttl & kTtlSign) != 0 ? 0 : ttl);
    at += kAfterName + two(reply, at + 8);
  }
  return least == UINT32_MAX ? model::Duration{} : std::chrono::seconds(least);
}

std::string words(const unsigned char* text) { return text != nullptr ? reinterpret_cast<const char*>(text) : ""; }

int read_naptrs(std::span<const std::uint8_t> reply, Answer& into) {
  ares_naptr_reply* first = nullptr;
  const int status = ares_parse_naptr_reply(reply.data(), static_cast<int>(reply.size()), &first);
  const Owned<ares_naptr_reply> owned(first, &ares_free_data);
  for (const auto* r = first; r != nullptr && into.naptrs.size() < kMostRecords; r = r->next)
    into.naptrs.push_back({.order = r->order,
                           .preference = r->preference,
                           .flags = words(r->flags),
                           .service = words(r->service),
                           .replacement = r->replacement != nullptr ? r->replacement : ""});
  return status;
}

int read_srvs(std::span<const std::uint8_t> reply, Answer& into) {
  ares_srv_reply* first = nullptr;
  const int status = ares_parse_srv_reply(reply.data(), static_cast<int>(reply.size()), &first);
  const Owned<ares_srv_reply> owned(first, &ares_free_data);
  for (const auto* r = first; r != nullptr && into.srvs.size() < kMostRecords; r = r->next)
    into.srvs.push_back({.priority = r->priority, .weight = r->weight, .port = r->port, .target = r->host != nullptr ? r->host : ""});
  return status;
}

int read_addresses(Kind kind, std::span<const std::uint8_t> reply, Answer& into) {
  const auto size = static_cast<int>(reply.size());
  int count = kMostRecords, status = ARES_SUCCESS;
  if (kind == Kind::A) {
    std::array<ares_addrttl, kMostRecords> found{};
    status = ares_parse_a_reply(reply.data(), size, nullptr, found.data(), &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i)
      into.addresses.push_back(model::IpAddress::from_bytes(model::Family::V4, &found[static_cast<std::size_t>(i)].ipaddr));
  } else {
    std::array<ares_addr6ttl, kMostRecords> found{};
    status = ares_parse_aaaa_reply(reply.data(), size, nullptr, found.data(), &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i)
      into.addresses.push_back(model::IpAddress::from_bytes(model::Family::V6, &found[static_cast<std::size_t>(i)].ip6addr));
  }
  return status;
}

int read_records(Kind kind, std::span<const std::uint8_t> reply, Answer& into) {
  switch (kind) {
    case Kind::Naptr: return read_naptrs(reply, into);
    case Kind::Srv: return read_srvs(reply, into);
    case Kind::A:
    case Kind::Aaaa: return read_addresses(kind, reply, into);
  }
  return ARES_EBADQUERY;
}

Answer failed(const char* why) {
  Answer answer;
  answer.why = why;
  return answer;
}

}  // namespace

int dns_type(Kind kind) {
  switch (kind) {
    case Kind::Naptr: return 35;
    case Kind::Srv: return 33;
    case Kind::A: return 1;
    case Kind::Aaaa: return 28;
  }
  return 0;
}

Answer read_answer(Kind kind, std::span<const std::uint8_t> reply) {
  if (reply.size() < kHead || (reply[2] & 0x80U) == 0) return failed("what came is no answer");
  Answer answer;
  switch (reply[3] & 0x0FU) {
    case 0: break;
    case 2: return failed("SERVFAIL");
    case 3: answer.what = Answer::What::NoSuchName; return answer;
    case 5: return failed("REFUSED");
    default: return failed("an RCODE that says no");
  }
  answer.ttl = least_ttl(reply);
  const int status = read_records(kind, reply, answer);
  if (status != ARES_SUCCESS && status != ARES_ENODATA) return failed("what came makes no sense");
  const bool any = !answer.naptrs.empty() || !answer.srvs.empty() || !answer.addresses.empty();
  answer.what = any ? Answer::What::Records : Answer::What::Nothing;
  return answer;
}

}  // namespace linekeeper::locate
