#include "carriers/sip/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace linekeeper::sip {
namespace {

bool of_session(DigestAlgorithm a) {
  return a == DigestAlgorithm::Md5Sess || a == DigestAlgorithm::Sha256Sess || a == DigestAlgorithm::Sha512To256Sess;
}

const EVP_MD* hash_of(DigestAlgorithm a) {
  switch (a) {
    case DigestAlgorithm::Md5:
    case DigestAlgorithm::Md5Sess: return EVP_md5();
    case DigestAlgorithm::Sha256:
    case DigestAlgorithm::Sha256Sess: return EVP_sha256();
    case DigestAlgorithm::Sha512To256:
    case DigestAlgorithm::Sha512To256Sess: return EVP_sha512_256();
  }
  return nullptr;
}

/// H() of RFC 7616 3.3 over the pieces with colons between them, in lower-case hex.
std::optional<std::string> hash(DigestAlgorithm algorithm, std::initializer_list<std::string_view> pieces) {
  const std::string text = fmt::format("{}", fmt::join(pieces, ":"));
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, hash_of(algorithm), nullptr) != 1) return std::nullopt;
  std::string hex;
  for (const unsigned char byte : std::span(out).first(size)) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string count_words(std::uint32_t count) { return fmt::format("{:08x}", count); }  // nc-value, RFC 7616 3.4

}  // namespace

bool fits_quotes(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"' || c == '\\'; });
}

std::optional<std::string> digest_response(const Challenge& challenge, const Credentials& credentials, std::string_view method, std::string_view uri,
                                           std::string_view cnonce, std::uint32_t count) {
  const DigestAlgorithm algorithm = challenge.algorithm.value_or(DigestAlgorithm::Md5);
  auto a1 = hash(algorithm, {credentials.user, challenge.realm, credentials.password});
  if (a1 && of_session(algorithm)) a1 = hash(algorithm, {*a1, challenge.nonce, cnonce});
  const auto a2 = hash(algorithm, {method, uri});
  if (!a1 || !a2) return std::nullopt;
  if (!challenge.qop) return hash(algorithm, {*a1, challenge.nonce, *a2});
  return hash(algorithm, {*a1, challenge.nonce, count_words(count), cnonce, "auth", *a2});
}

bool DigestSession::take(Challenge challenge) {
  if (!credentials_.realm.empty() && challenge.realm != credentials_.realm) return false;
  if (!challenge_ || challenge_->nonce != challenge.nonce) count_ = 0;
  challenge_ = std::move(challenge);
  return true;
}

std::optional<DigestSession::Header> DigestSession::header(std::string_view method, std::string_view uri) {
  if (!challenge_ || !fits_quotes(credentials_.user) || !fits_quotes(uri)) return std::nullopt;
  const Challenge& c = *challenge_;
  const std::string cnonce = fmt::format("{:016x}", random_.next());
  const auto response = digest_response(c, credentials_, method, uri, cnonce, ++count_);
  if (!response) return std::nullopt;
  std::string value =
      fmt::format(R"(Digest username="{}", realm="{}", nonce="{}", uri="{}", response="{}")", credentials_.user, c.realm, c.nonce, uri, *response);
  if (c.algorithm) value += fmt::format(", algorithm={}", to_string(*c.algorithm));
  if (c.qop) value += fmt::format(R"(, qop=auth, nc={}, cnonce="{}")", count_words(count_), cnonce);
  if (!c.qop && of_session(c.algorithm.value_or(DigestAlgorithm::Md5))) value += fmt::format(R"(, cnonce="{}")", cnonce);
  if (c.opaque) value += fmt::format(R"(, opaque="{}")", *c.opaque);
  return Header{c.proxy ? "Proxy-Authorization" : "Authorization", std::move(value)};
}

std::optional<DigestSession::Header> DigestSession::answer(std::string_view datagram, std::string_view method, std::string_view uri) {
  auto challenge = challenge_in(datagram);
  if (!challenge || !take(std::move(*challenge))) return std::nullopt;
  return header(method, uri);
}

}  // namespace linekeeper::sip
