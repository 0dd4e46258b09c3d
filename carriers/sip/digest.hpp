#pragma once
// Digest authentication of a client (RFC 3261 22, RFC 7616 as RFC 8760 takes it into SIP): a challenge is read strictly, and answered.
// Nothing here knows a transaction: OPTIONS, REGISTER and INVITE use it alike. How often a challenge is answered is for its owner to say
// (once: a second one that is not `stale` means that the credentials are wrong).
//
// Of several challenges the topmost that we can answer is taken (RFC 8760 2.4). `auth-int` is not offered by any carrier we know and not
// answered. Text between quotes is neither unescaped nor escaped again: it is hashed and sent back as it came (RFC 7616 3.4.1, unq()).
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::sip {

enum class DigestAlgorithm : std::uint8_t { Md5, Md5Sess, Sha256, Sha256Sess, Sha512To256, Sha512To256Sess };
[[nodiscard]] std::string_view to_string(DigestAlgorithm a);  ///< as it stands in a header: "MD5-sess"

inline constexpr std::size_t kLongestChallenge = 2048;  ///< bytes of one header value

/// A WWW-Authenticate (401) or Proxy-Authenticate (407) that we can answer.
struct Challenge {
  bool proxy = false;  ///< answered by Proxy-Authorization
  std::string realm, nonce;
  std::optional<std::string> opaque;
  std::optional<DigestAlgorithm> algorithm;  ///< nothing: not said, and then it is MD5 and is not said by us either
  bool qop = false;                          ///< "auth" is offered and taken; otherwise the older form of RFC 2069
  bool stale = false;                        ///< the nonce was too old, the credentials were right
};

/// Why one cannot be answered.
enum class BadChallenge : std::uint8_t {
  TooLong,    ///< over kLongestChallenge
  Scheme,     ///< not "Digest"
  Form,       ///< no list of name=value, or characters that cannot stand there
  Repeated,   ///< a parameter twice
  Missing,    ///< no realm, or no nonce
  Algorithm,  ///< one we do not know
  Qop,        ///< only others than "auth"
};

/// @param value of the header field, unfolded
[[nodiscard]] std::expected<Challenge, BadChallenge> parse_challenge(std::string_view value, bool proxy);

struct MessageHead;

/// Likewise, of a message that is already split.
[[nodiscard]] std::optional<Challenge> challenge_in(const MessageHead& head);

/// The topmost challenge of a 401 or 407 that we can answer; nothing when there is none or the bytes are no SIP message.
[[nodiscard]] std::optional<Challenge> challenge_in(std::string_view datagram);

struct Credentials {
  std::string user;
  std::string password;
  std::string realm{};  ///< answers only this one; empty: any
};

/// Whether a user's name can stand between quotes as it is.
[[nodiscard]] bool fits_quotes(std::string_view text);

/// The `response` of RFC 7616 3.4.1 in lower-case hex.
/// @param uri     Request-URI, as in the request line
/// @param cnonce, count  used only where the challenge offers qop, and cnonce by the "-sess" algorithms
/// @return nothing when this host's OpenSSL refuses the algorithm (MD5 under FIPS)
[[nodiscard]] std::optional<std::string> digest_response(const Challenge& challenge, const Credentials& credentials, std::string_view method,
                                                         std::string_view uri, std::string_view cnonce, std::uint32_t count);

/// Credentials and the challenge they answer: one per carrier and circuit, kept while its requests follow each other.
class DigestSession {
 public:
  using Header = std::pair<std::string, std::string>;  ///< name and value

  DigestSession(Credentials credentials, runtime::SeededRandom random) : credentials_(std::move(credentials)), random_(random) {}

  /// From now on this one is answered; the count begins anew with a new nonce.
  /// @return false: it is of another realm than ours, and what was answered before still is
  bool take(Challenge challenge);
  /// The header field for the next request; nothing before a challenge was taken. Each call counts the nonce up.
  [[nodiscard]] std::optional<Header> header(std::string_view method, std::string_view uri);
  /// Takes the challenge of a 401 or 407 and answers it, both at once.
  [[nodiscard]] std::optional<Header> answer(std::string_view datagram, std::string_view method, std::string_view uri);
  /// What was taken is no longer answered: the next request goes without.
  void forget() { challenge_.reset(); }
  [[nodiscard]] bool challenged() const { return challenge_.has_value(); }

 private:
  Credentials credentials_;
  runtime::SeededRandom random_;
  std::optional<Challenge> challenge_;
  std::uint32_t count_ = 0;
};

}  // namespace linekeeper::sip
