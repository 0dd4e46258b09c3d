#include "carriers/trunks/tsig.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cerrno>

#include "carriers/trunks/ldns_handles.hpp"

namespace linekeeper::trunks {
namespace {

constexpr std::string_view kAlgorithm = "hmac-sha256.";
constexpr std::size_t kHeader = 12, kCountsAt = 4, kAdditionalAt = 10;
constexpr std::size_t kShortestSecret = 16;  // RFC 8945 8: at least as many bits as is believed to be safe; 128
constexpr std::uint16_t kAny = 255, kTsig = 250;
constexpr int kBadTime = 18;

void put(Bytes& bytes, std::uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put(Bytes& bytes, std::span<const std::uint8_t> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

std::uint16_t u16(std::span<const std::uint8_t> bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }

/// A name as it is signed: small letters, not compressed (RFC 8945 4.3.3).
Bytes wire_name(std::string_view name) {
  const LdnsRdf rdf(ldns_dname_new_frm_str(std::string(name).c_str()));
  if (!rdf) return {};
  ldns_dname2canonical(rdf.get());
  return {ldns_rdf_data(rdf.get()), ldns_rdf_data(rdf.get()) + ldns_rdf_size(rdf.get())};
}

struct Stamp {
  std::int64_t time = 0;
  std::uint16_t fudge = kTsigFudge;
  std::uint16_t error = 0;
  Bytes other{};
};

Bytes mac_of(std::span<const std::uint8_t> message, const TsigKey& key, std::span<const std::uint8_t> request, const Stamp& stamp) {
  Bytes digest;
  if (!request.empty()) {
    put(digest, request.size(), 2);
    put(digest, request);
  }
  put(digest, message);
  put(digest, wire_name(key.name));
  put(digest, kAny, 2);
  put(digest, 0, 4);
  put(digest, wire_name(kAlgorithm));
  put(digest, static_cast<std::uint64_t>(stamp.time), 6);
  put(digest, stamp.fudge, 2);
  put(digest, stamp.error, 2);
  put(digest, stamp.other.size(), 2);
  put(digest, stamp.other);
  Bytes mac(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()), digest.data(), digest.size(), mac.data(), &size);
  mac.resize(size);
  return mac;
}

/// Where the last record of a message begins, and the record (none: an empty one); nothing when it cannot be read or more follows it.
std::optional<std::pair<std::size_t, LdnsRr>> last_record(std::span<const std::uint8_t> message) {
  std::size_t at = kHeader, begins = 0;
  LdnsRr record;
  for (int section = 0; section < 4; ++section) {
    for (unsigned left = u16(message, kCountsAt + 2 * static_cast<std::size_t>(section)); left > 0; --left) {
      begins = at;
      ldns_rr* read = nullptr;
      const auto kind = section == 0 ? LDNS_SECTION_QUESTION : LDNS_SECTION_ANSWER;
      if (ldns_wire2rr(&read, message.data(), message.size(), &at, kind) != LDNS_STATUS_OK) return std::nullopt;
      record.reset(read);
    }
  }
  if (at != message.size()) return std::nullopt;
  return std::pair(begins, std::move(record));
}

std::span<const std::uint8_t> data(const ldns_rr& record, std::size_t field) {
  const ldns_rdf* rdf = ldns_rr_rdf(&record, field);
  return {ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
}

std::int64_t time48(std::span<const std::uint8_t> bytes) {
  std::int64_t value = 0;
  for (const auto byte : bytes.first(6)) value = value << 8 | byte;
  return value;
}

bool is_name(const ldns_rdf* rdf, std::string_view name) {
  const LdnsRdf wanted(ldns_dname_new_frm_str(std::string(name).c_str()));
  return wanted && ldns_dname_compare(rdf, wanted.get()) == 0;
}

}  // namespace

model::Result<TsigKey> make_tsig_key(std::string_view name, std::string_view secret) {
  const auto refuse = [&](std::string why) {
    return std::unexpected(
        model::Error{"the TSIG key " + std::string(name) + " cannot be used: " + std::move(why),
                     "Make one with: tsig-keygen -a hmac-sha256 " + std::string(name) + "; its secret, without quotes, goes in the file", EINVAL});
  };
  constexpr std::string_view kBlank = " \t\r\n";
  while (!secret.empty() && kBlank.contains(secret.front())) secret.remove_prefix(1);
  while (!secret.empty() && kBlank.contains(secret.back())) secret.remove_suffix(1);
  if (wire_name(name).empty()) return refuse("that is no DNS name");
  ldns_rdf* read = nullptr;
  if (secret.empty() || ldns_str2rdf_b64(&read, std::string(secret).c_str()) != LDNS_STATUS_OK) return refuse("its secret is not Base64 on one line");
  const LdnsRdf rdf(read);
  TsigKey key{std::string(name), {ldns_rdf_data(rdf.get()), ldns_rdf_data(rdf.get()) + ldns_rdf_size(rdf.get())}};
  if (key.secret.size() < kShortestSecret) return refuse("its secret is shorter than 16 bytes");
  return key;
}

Signed tsig_sign(Bytes message, const TsigKey& key, std::int64_t now, std::span<const std::uint8_t> request) {
  Signed made{.message = std::move(message), .mac = {}};
  made.mac = mac_of(made.message, key, request, {.time = now});
  const auto algorithm = wire_name(kAlgorithm);
  Bytes rdata = algorithm;
  put(rdata, static_cast<std::uint64_t>(now), 6);
  put(rdata, kTsigFudge, 2);
  put(rdata, made.mac.size(), 2);
  put(rdata, made.mac);
  put(rdata, std::span<const std::uint8_t>(made.message).first(2));  // the original id
  put(rdata, 0, 2);                                                  // no error
  put(rdata, 0, 2);                                                  // nothing else
  put(made.message, wire_name(key.name));
  put(made.message, kTsig, 2);
  put(made.message, kAny, 2);
  put(made.message, 0, 4);
  put(made.message, rdata.size(), 2);
  put(made.message, rdata);
  const auto additional = u16(made.message, kAdditionalAt) + 1;
  made.message[kAdditionalAt] = static_cast<std::uint8_t>(additional >> 8);
  made.message[kAdditionalAt + 1] = static_cast<std::uint8_t>(additional);
  return made;
}

TsigAnswer tsig_verify(std::span<const std::uint8_t> message, const TsigKey& key, std::span<const std::uint8_t> request, std::int64_t now) {
  if (message.size() < kHeader) return {.verdict = TsigVerdict::Malformed};
  const auto last = last_record(message);
  if (!last) return {.verdict = TsigVerdict::Malformed};
  const auto& [begins, record] = *last;
  const auto additional = u16(message, kAdditionalAt);
  if (!record || ldns_rr_get_type(record.get()) != LDNS_RR_TYPE_TSIG || additional == 0) return {.verdict = TsigVerdict::Missing};
  if (ldns_rr_rd_count(record.get()) != 7 || ldns_rr_get_class(record.get()) != LDNS_RR_CLASS_ANY || ldns_rr_ttl(record.get()) != 0)
    return {.verdict = TsigVerdict::Malformed};

  // algorithm, time, fudge, MAC, original id, error, other: MAC and other begin with their length
  const auto time = data(*record, 1), fudge = data(*record, 2), mac = data(*record, 3), id = data(*record, 4), error = data(*record, 5),
             other = data(*record, 6);
  if (time.size() != 6 || fudge.size() != 2 || mac.size() < 2 || id.size() != 2 || error.size() != 2 || other.size() < 2)
    return {.verdict = TsigVerdict::Malformed};
  if (!is_name(ldns_rr_owner(record.get()), key.name) || !is_name(ldns_rr_rdf(record.get(), 0), kAlgorithm)) return {.verdict = TsigVerdict::Wrong};
  TsigAnswer answer{.verdict = TsigVerdict::Refused, .error = u16(error, 0), .server_time = {}};
  const Stamp stamp{.time = time48(time), .fudge = u16(fudge, 0), .error = u16(error, 0), .other = {other.begin() + 2, other.end()}};
  // BADKEY and BADSIG come without a signature: there is none that both sides could make (RFC 8945 5.3.2).
  if (mac.size() == 2 && answer.error != 0) return answer;

  Bytes bare(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(begins));
  std::ranges::copy(id, bare.begin());
  bare[kAdditionalAt] = static_cast<std::uint8_t>((additional - 1) >> 8);
  bare[kAdditionalAt + 1] = static_cast<std::uint8_t>(additional - 1);
  const auto ours = mac_of(bare, key, request, stamp);
  if (mac.size() != ours.size() + 2 || CRYPTO_memcmp(mac.data() + 2, ours.data(), ours.size()) != 0) return {.verdict = TsigVerdict::Wrong};
  if (answer.error != 0) {
    if (answer.error == kBadTime && stamp.other.size() == 6) answer.server_time = time48(stamp.other);
    return answer;
  }
  if (now - stamp.time > stamp.fudge || stamp.time - now > stamp.fudge)
    return {.verdict = TsigVerdict::BadTime, .error = 0, .server_time = stamp.time};
  return {.verdict = TsigVerdict::Good};
}

}  // namespace linekeeper::trunks
