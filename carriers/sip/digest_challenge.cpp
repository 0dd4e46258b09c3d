// Challenges are read here by hand: libosip2 takes unquoted nonces, keeps the quotes in what it returns and forgets repeated parameters.
#include <algorithm>
#include <array>
#include <map>

#include "carriers/sip/digest.hpp"
#include "carriers/sip/message_head.hpp"

namespace linekeeper::sip {
namespace {

constexpr std::array<std::pair<std::string_view, DigestAlgorithm>, 6> kAlgorithms{{{"MD5", DigestAlgorithm::Md5},
                                                                                   {"MD5-sess", DigestAlgorithm::Md5Sess},
                                                                                   {"SHA-256", DigestAlgorithm::Sha256},
                                                                                   {"SHA-256-sess", DigestAlgorithm::Sha256Sess},
                                                                                   {"SHA-512-256", DigestAlgorithm::Sha512To256},
                                                                                   {"SHA-512-256-sess", DigestAlgorithm::Sha512To256Sess}}};

struct Value {
  std::string_view text;  // between the quotes
  bool quoted = false;
};
using Parameters = std::map<std::string, Value, std::less<>>;

/// Takes blanks off the front.
void skip_blanks(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size())); }

bool printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

/// Takes a quoted-string (RFC 3261 25.1) off the front. @return what stands between the quotes, as it is
std::optional<std::string_view> take_quoted(std::string_view& rest) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      const auto text = rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      if (printable(text)) return text;
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<Value> take_value(std::string_view& rest) {
  if (rest.starts_with('"')) {
    const auto text = take_quoted(rest);
    return text ? std::optional(Value{.text = *text, .quoted = true}) : std::nullopt;
  }
  const auto token = rest.substr(0, rest.find_first_of(" \t,"));
  rest.remove_prefix(token.size());
  return is_token(token) ? std::optional(Value{.text = token}) : std::nullopt;
}

std::expected<Parameters, BadChallenge> read_parameters(std::string_view rest) {
  Parameters out;
  while (true) {
    skip_blanks(rest);
    const auto name = rest.substr(0, rest.find_first_of(" \t=,\""));
    rest.remove_prefix(name.size());
    skip_blanks(rest);
    if (!is_token(name) || !rest.starts_with('=')) return std::unexpected(BadChallenge::Form);
    rest.remove_prefix(1);
    skip_blanks(rest);
    const auto value = take_value(rest);
    if (!value) return std::unexpected(BadChallenge::Form);
    if (!out.emplace(lower(name), *value).second) return std::unexpected(BadChallenge::Repeated);
    skip_blanks(rest);
    if (rest.empty()) return out;
    if (!rest.starts_with(',')) return std::unexpected(BadChallenge::Form);
    rest.remove_prefix(1);
  }
}

/// A parameter that must stand in quotes.
std::expected<std::optional<std::string>, BadChallenge> quoted(const Parameters& all, std::string_view name) {
  const auto found = all.find(name);
  if (found == all.end()) return std::nullopt;
  if (!found->second.quoted) return std::unexpected(BadChallenge::Form);
  return std::string(found->second.text);
}

bool same(std::string_view a, std::string_view b) { return lower(a) == lower(b); }

std::expected<void, BadChallenge> read_choices(const Parameters& all, Challenge& out) {
  if (const auto found = all.find("algorithm"); found != all.end()) {  // RFC 2617 had it in quotes, RFC 7616 has not
    const auto known = std::ranges::find_if(kAlgorithms, [&](const auto& a) { return same(a.first, found->second.text); });
    if (known == kAlgorithms.end()) return std::unexpected(BadChallenge::Algorithm);
    out.algorithm = known->second;
  }
  if (const auto found = all.find("qop"); found != all.end()) {
    const auto offered = split_list(found->second.text);
    out.qop = std::ranges::any_of(offered, [](const std::string& q) { return same(q, "auth"); });
    if (!out.qop) return std::unexpected(BadChallenge::Qop);
  }
  if (const auto found = all.find("stale"); found != all.end()) out.stale = same(found->second.text, "true");
  return {};
}

}  // namespace

std::string_view to_string(DigestAlgorithm a) {
  const auto found = std::ranges::find(kAlgorithms, a, &std::pair<std::string_view, DigestAlgorithm>::second);
  return found == kAlgorithms.end() ? "MD5" : found->first;
}

std::expected<Challenge, BadChallenge> parse_challenge(std::string_view value, bool proxy) {
  if (value.size() > kLongestChallenge) return std::unexpected(BadChallenge::TooLong);
  skip_blanks(value);
  const auto scheme = value.substr(0, value.find_first_of(" \t"));
  if (!same(scheme, "Digest")) return std::unexpected(BadChallenge::Scheme);
  const auto all = read_parameters(value.substr(scheme.size()));
  if (!all) return std::unexpected(all.error());
  Challenge out{.proxy = proxy, .realm = {}, .nonce = {}, .opaque = {}, .algorithm = {}};
  const auto realm = quoted(*all, "realm"), nonce = quoted(*all, "nonce"), opaque = quoted(*all, "opaque");
  if (!realm || !nonce || !opaque) return std::unexpected(BadChallenge::Form);
  if (!*realm || !*nonce || (*nonce)->empty()) return std::unexpected(BadChallenge::Missing);
  out.realm = **realm;
  out.nonce = **nonce;
  out.opaque = *opaque;
  if (const auto read = read_choices(*all, out); !read) return std::unexpected(read.error());
  return out;
}

std::optional<Challenge> challenge_in(std::string_view datagram) {
  const auto head = split_message(datagram);
  return head ? challenge_in(*head) : std::nullopt;
}

std::optional<Challenge> challenge_in(const MessageHead& head) {
  const bool proxy = head.start_line.starts_with("SIP/2.0 407");
  if (!proxy && !head.start_line.starts_with("SIP/2.0 401")) return std::nullopt;
  for (const HeaderField& field : head.fields) {
    if (field.name != (proxy ? "proxy-authenticate" : "www-authenticate")) continue;
    if (auto challenge = parse_challenge(field.value, proxy)) return *challenge;
  }
  return std::nullopt;
}

}  // namespace linekeeper::sip
