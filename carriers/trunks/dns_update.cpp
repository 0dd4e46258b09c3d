#include "carriers/trunks/dns_update.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "carriers/trunks/ldns_handles.hpp"

namespace linekeeper::trunks {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kSipPort = 5060;

std::unexpected<model::Error> refuse(std::string why) {
  return std::unexpected(model::Error{"the records are refused: " + std::move(why), "The DNS server keeps what it has", EINVAL});
}

ldns_rr_type type_number(RecordType type) {
  switch (type) {
    case RecordType::A: return LDNS_RR_TYPE_A;
    case RecordType::AAAA: return LDNS_RR_TYPE_AAAA;
    case RecordType::SRV: return LDNS_RR_TYPE_SRV;
  }
  return LDNS_RR_TYPE_SRV;
}

std::optional<RecordType> known_type(ldns_rr_type type) {
  for (const auto known : {RecordType::A, RecordType::AAAA, RecordType::SRV})
    if (type_number(known) == type) return known;
  return std::nullopt;
}

std::string text_of(const ldns_rdf* rdf) {
  const LdnsText text(ldns_rdf2str(rdf));
  return text ? text.get() : "";
}

LdnsRdf name_of(std::string_view name) { return LdnsRdf(name.contains('\0') ? nullptr : ldns_dname_new_frm_str(std::string(name).c_str())); }

std::string value_of(const ldns_rr& rr) {
  std::string value;
  for (std::size_t field = 0; field < ldns_rr_rd_count(&rr); ++field) value += (field == 0 ? "" : " ") + text_of(ldns_rr_rdf(&rr, field));
  return value;
}

/// One line, so that a value cannot bring a second record or a directive.
LdnsRr record_of(const RecordSet& set, const std::string& value) {
  if (value.find_first_of(std::string_view("\r\n\0;()\"", 7)) != std::string::npos) return nullptr;
  const LdnsText type(ldns_rr_type2str(type_number(set.type)));
  const auto line = set.owner + " " + std::to_string(set.ttl) + " IN " + type.get() + " " + value;
  ldns_rr* read = nullptr;
  if (ldns_rr_new_frm_str(&read, line.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK) return nullptr;
  LdnsRr rr(read);
  return value_of(*rr) == value ? std::move(rr) : nullptr;  // libldns takes 70000 for a port, and makes another of it
}

/// Deletes all records of that name and type (RFC 2136 2.5.2): class ANY, TTL 0, no data.
LdnsRr deletion_of(const RecordSet& set) {
  LdnsRr rr(ldns_rr_new());
  ldns_rr_set_owner(rr.get(), name_of(set.owner).release());
  ldns_rr_set_type(rr.get(), type_number(set.type));
  ldns_rr_set_class(rr.get(), LDNS_RR_CLASS_ANY);
  ldns_rr_set_ttl(rr.get(), 0);
  return rr;
}

model::Result<Signed> signed_message(ldns_pkt& packet, std::uint16_t id, const TsigKey& key, std::int64_t now) {
  ldns_pkt_set_id(&packet, id);
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (ldns_pkt2wire(&bytes, &packet, &size) != LDNS_STATUS_OK) return refuse("they do not fit into a message");
  const LdnsBytes owned(bytes);
  return tsig_sign({bytes, bytes + size}, key, now);
}

std::string difference(std::int64_t ours, std::optional<std::int64_t> theirs) {
  return theirs ? "by " + std::to_string(std::max(ours - *theirs, *theirs - ours)) + " s" : "by more than " + std::to_string(kTsigFudge) + " s";
}

/// RFC 8945 3 and 5.2: why the server did not believe our signature.
model::Error distrusted(const TsigAnswer& tsig, const TsigKey& key, std::int64_t now) {
  const auto told = [](std::string what, std::string remedy) { return model::Error{std::move(what), std::move(remedy), EPROTO}; };
  switch (tsig.error) {
    case 16:
      return told("the DNS server says that our signature is wrong (BADSIG)",
                  "The secret of key " + key.name + " is another one there: copy it anew into our file");
    case 17:
      return told("the DNS server does not know the TSIG key " + key.name + " (BADKEY)",
                  "Name the key as it does, and let both use hmac-sha256 (named.conf: key \"...\" { algorithm hmac-sha256; secret \"...\"; };)");
    case 18:
      return told("the DNS server's clock and ours differ " + difference(now, tsig.server_time) + " (BADTIME)",
                  "Set both by NTP (timedatectl; chronyc tracking): signatures hold for " + std::to_string(kTsigFudge) + " s only");
    default: return told("the DNS server refuses our signature with TSIG error " + std::to_string(tsig.error), "Look into its log");
  }
}

model::Error refused(int rcode, const TsigKey& key) {
  const auto told = [](std::string what, std::string remedy) { return model::Error{std::move(what), std::move(remedy), EPROTO}; };
  switch (rcode) {
    case LDNS_RCODE_REFUSED:
      return told("the DNS server does not let key " + key.name + " change these records (REFUSED)",
                  "Allow it: update-policy { grant " + key.name + " name OWNER. SRV A AAAA; }; in the zone; and allow-query for our address");
    case LDNS_RCODE_NOTAUTH:
      return told("the DNS server is not the zone's primary, or does not believe the key (NOTAUTH)",
                  "Name the primary server under server, and the zone exactly as it has it under zone");
    case LDNS_RCODE_NOTZONE: return told("a name is not within the zone (NOTZONE)", "Mend zone, or the record's name");
    case LDNS_RCODE_SERVFAIL:
      return told("the DNS server failed (SERVFAIL)", "Look into its log: perhaps it cannot write its journal beside the zone file");
    case LDNS_RCODE_NOTIMPL: return told("the DNS server knows no updates (NOTIMP)", "Name one that takes RFC 2136 updates");
    case LDNS_RCODE_FORMERR: return told("the DNS server does not understand our message (FORMERR)", "Name one that takes RFC 2136 updates");
    default: return told("the DNS server refuses with RCODE " + std::to_string(rcode), "Look into its log");
  }
}

std::vector<RecordSet> sets_of(const ldns_pkt& packet) {
  std::vector<RecordSet> sets;
  const auto* answers = ldns_pkt_answer(&packet);
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(answers); ++i) {
    const auto* rr = ldns_rr_list_rr(answers, i);
    const auto type = known_type(ldns_rr_get_type(rr));
    if (!type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN) continue;
    const auto owner = text_of(ldns_rr_owner(rr));
    auto at = std::ranges::find_if(sets, [&](const RecordSet& set) { return set.owner == owner && set.type == *type; });
    if (at == sets.end()) at = sets.insert(sets.end(), {.owner = owner, .type = *type, .ttl = ldns_rr_ttl(rr), .values = {}});
    at->ttl = std::max(at->ttl, ldns_rr_ttl(rr));
    at->values.push_back(value_of(*rr));
  }
  return sets;
}

}  // namespace

model::Result<std::vector<std::string>> srv_values(const std::vector<std::string>& targets) {
  std::vector<std::string> values;
  for (const auto& target : targets) {
    const auto colon = target.find(':');
    const std::string host = target.substr(0, colon);
    unsigned port = kSipPort;
    if (colon != std::string::npos) {
      const char* last = target.data() + target.size();
      const auto [end, wrong] = std::from_chars(target.data() + colon + 1, last, port);
      if (wrong != std::errc{} || end != last || port == 0 || port > 65535) return refuse(target + " has no port from 1 to 65535");
    }
    if (host.empty() || host == "." || host.contains(' ') || !name_of(host)) return refuse("'" + host + "' is no name of a host");
    values.push_back(std::to_string(10 * (values.size() + 1)) + " 0 " + std::to_string(port) + " " + host + (host.ends_with('.') ? "" : "."));
  }
  return values;
}

model::Result<Signed> dns_update(std::string_view zone, const RecordSet& wanted, std::uint16_t id, const TsigKey& key, std::int64_t now) {
  if (wanted.values.empty()) return refuse("there is none, and a name without a record would lead nobody anywhere");
  if (wanted.values.size() > kMostRecords) return refuse("there are more than " + std::to_string(kMostRecords));
  if (wanted.ttl > kLongestTtl) return refuse("their TTL is longer than " + std::to_string(kLongestTtl) + " s");
  auto zone_name = name_of(zone);
  const auto owner = name_of(wanted.owner);
  if (!zone_name || !owner) return refuse("'" + std::string(zone_name ? wanted.owner : zone) + "' is no DNS name");
  if (ldns_dname_compare(owner.get(), zone_name.get()) != 0 && !ldns_dname_is_subdomain(owner.get(), zone_name.get()))
    return refuse("'" + wanted.owner + "' is not within the zone '" + std::string(zone) + "'");
  const LdnsList updates(ldns_rr_list_new());
  ldns_rr_list_push_rr(updates.get(), deletion_of(wanted).release());
  for (const auto& value : wanted.values) {
    auto rr = record_of(wanted, value);
    if (!rr) return refuse("'" + value + "' is no such record");
    ldns_rr_list_push_rr(updates.get(), rr.release());
  }
  const LdnsPacket packet(ldns_update_pkt_new(zone_name.get(), LDNS_RR_CLASS_IN, nullptr, updates.get(), nullptr));
  if (!packet) return refuse("they do not fit into a message");
  [[maybe_unused]] const auto* owned_by_packet = zone_name.release();
  return signed_message(*packet, id, key, now);
}

model::Result<Signed> dns_question(std::string_view owner, RecordType type, std::uint16_t id, const TsigKey& key, std::int64_t now) {
  auto name = name_of(owner);
  if (!name) return refuse("'" + std::string(owner) + "' is no DNS name");
  const LdnsPacket packet(ldns_pkt_query_new(name.release(), type_number(type), LDNS_RR_CLASS_IN, 0));
  return signed_message(*packet, id, key, now);
}

model::Result<DnsReply> dns_reply(std::span<const std::uint8_t> message, const Signed& asked, const TsigKey& key, std::int64_t now) {
  const auto none = [](std::string why, std::string remedy = "") {
    return std::unexpected(model::Error{"what came is no answer of the DNS server: " + std::move(why), std::move(remedy), EPROTO});
  };
  if (message.size() < kHeader) return none("it is shorter than a header");
  if (!std::ranges::equal(message.first(2), std::span(asked.message).first(2))) return none("it has another id");
  if ((message[2] & 0x80U) == 0 || (message[2] & 0x78U) != (asked.message[2] & 0x78U)) return none("it is no response, or to something else");
  const int rcode = message[3] & 0x0f;
  const auto tsig = tsig_verify(message, key, asked.mac, now);
  switch (tsig.verdict) {
    case TsigVerdict::Good: break;
    case TsigVerdict::Refused: return std::unexpected(distrusted(tsig, key, now));
    case TsigVerdict::Malformed: return none("it cannot be read");
    case TsigVerdict::Missing:
      if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) return std::unexpected(refused(rcode, key));
      return none("it is not signed", "Is something between us and the server, or another server at that address?");
    case TsigVerdict::Wrong: return none("its signature is not of key " + key.name, "The secret may be another one there, or somebody else answers");
    case TsigVerdict::BadTime:
      return none("it was signed at another time, our clocks differ " + difference(now, tsig.server_time), "Set both clocks by NTP");
  }
  if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) return std::unexpected(refused(rcode, key));
  ldns_pkt* read = nullptr;
  if (ldns_wire2pkt(&read, message.data(), message.size()) != LDNS_STATUS_OK) return none("it cannot be read");
  const LdnsPacket packet(read);
  return DnsReply{.rcode = rcode, .authoritative = ldns_pkt_aa(packet.get()), .truncated = ldns_pkt_tc(packet.get()), .sets = sets_of(*packet)};
}

bool same_records(const RecordSet& a, const RecordSet& b) {
  if (a.type != b.type || a.ttl != b.ttl) return false;
  const auto canonical = [](const RecordSet& set) {
    std::vector<std::string> lines;
    for (const auto& value : set.values) {
      const auto rr = record_of(set, value);
      if (!rr) return std::vector<std::string>{};
      ldns_rr2canonical(rr.get());
      const LdnsText text(ldns_rr2str(rr.get()));
      lines.emplace_back(text.get());
    }
    std::ranges::sort(lines);
    return lines;
  };
  const auto left = canonical(a);
  return !left.empty() && left == canonical(b);
}

}  // namespace linekeeper::trunks
