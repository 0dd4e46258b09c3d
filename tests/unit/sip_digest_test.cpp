// Digest authentication: the examples of the RFCs, what a challenge must be, and what is counted.
#include <doctest/doctest.h>

#include <string>

#include "carriers/sip/digest.hpp"

using namespace linekeeper;
using sip::BadChallenge;
using sip::Challenge;
using sip::Credentials;
using sip::DigestAlgorithm;
using sip::DigestSession;

namespace {

// RFC 7616 3.9.1
constexpr std::string_view kRfcNonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
constexpr std::string_view kRfcCnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

Challenge rfc7616(DigestAlgorithm a) {
  return {.realm = "http-auth@example.org", .nonce = std::string(kRfcNonce), .opaque = {}, .algorithm = a, .qop = true};
}

const Credentials kMufasa{.user = "Mufasa", .password = "Circle of Life"};

std::string_view why(std::string_view value) {
  const auto read = sip::parse_challenge(value, false);
  if (read) return "taken";
  switch (read.error()) {
    case BadChallenge::TooLong: return "too long";
    case BadChallenge::Scheme: return "scheme";
    case BadChallenge::Form: return "form";
    case BadChallenge::Repeated: return "repeated";
    case BadChallenge::Missing: return "missing";
    case BadChallenge::Algorithm: return "algorithm";
    case BadChallenge::Qop: return "qop";
  }
  return "";
}

std::string unauthorised(std::string_view fields, int status = 401) {
  return "SIP/2.0 " + std::to_string(status) + " No\r\n" + std::string(fields) + "Content-Length: 0\r\n\r\n";
}

DigestSession session(Credentials credentials = {.user = "4420", .password = "secret"}) { return {std::move(credentials), runtime::SeededRandom(7)}; }

}  // namespace

TEST_CASE("digest: the examples of RFC 7616 3.9.1 and RFC 2617 3.5") {
  CHECK(sip::digest_response(rfc7616(DigestAlgorithm::Md5), kMufasa, "GET", "/dir/index.html", kRfcCnonce, 1) == "8ca523f5e9506fed4657c9700eebdbec");
  CHECK(sip::digest_response(rfc7616(DigestAlgorithm::Sha256), kMufasa, "GET", "/dir/index.html", kRfcCnonce, 1) ==
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  const Challenge rfc2617{.realm = "testrealm@host.com", .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093", .opaque = {}, .algorithm = {}, .qop = true};
  CHECK(sip::digest_response(rfc2617, {.user = "Mufasa", .password = "Circle Of Life"}, "GET", "/dir/index.html", "0a4f113b", 1) ==
        "6629fae49393a05397450978507c4ef1");
}

TEST_CASE("digest: the older form without qop, and a session's key, differ from each other and from the usual one") {
  auto c = rfc7616(DigestAlgorithm::Md5);
  const auto usual = sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "x", 1);
  CHECK(sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "x", 2) != usual);
  CHECK(sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "y", 1) != usual);
  c.algorithm = DigestAlgorithm::Md5Sess;
  CHECK(sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "x", 1) != usual);
  c = rfc7616(DigestAlgorithm::Md5);
  c.qop = false;
  const auto old = sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "x", 1);
  CHECK(old != usual);
  CHECK(sip::digest_response(c, kMufasa, "OPTIONS", "sip:a", "y", 9) == old);
}

TEST_CASE("digest: a challenge is read whatever order, case and blanks it has") {
  const auto c =
      sip::parse_challenge(R"(digest QOP="auth-int, AUTH" ,stale = TRUE, nonce="n,\"1",Realm="a=b, c", algorithm=sha-256, opaque="", x=y)", true);
  REQUIRE(c);
  CHECK(c->proxy);
  CHECK(c->realm == "a=b, c");
  CHECK(c->nonce == R"(n,\"1)");
  CHECK(c->qop);
  CHECK(c->stale);
  CHECK(c->opaque == "");
  CHECK(c->algorithm == DigestAlgorithm::Sha256);
}

TEST_CASE("digest: what is no challenge, or none we can answer, is refused and called by its name") {
  CHECK(why(R"(Digest realm="r", nonce="n")") == "taken");
  CHECK(why(R"(Basic realm="r")") == "scheme");
  CHECK(why("") == "scheme");
  CHECK(why("Digest") == "form");
  CHECK(why(R"(Digest realm="r", nonce="n",)") == "form");
  CHECK(why(R"(Digest realm="r" nonce="n")") == "form");
  CHECK(why(R"(Digest realm="r", nonce="n)") == "form");
  CHECK(why(R"(Digest realm="r", nonce=n)") == "form");
  CHECK(why("Digest realm=\"r\x01\", nonce=\"n\"") == "form");
  CHECK(why(R"(Digest realm="r", nonce="n", Nonce="m")") == "repeated");
  CHECK(why(R"(Digest nonce="n")") == "missing");
  CHECK(why(R"(Digest realm="r", nonce="")") == "missing");
  CHECK(why(R"(Digest realm="r", nonce="n", algorithm=AKAv1-MD5)") == "algorithm");
  CHECK(why(R"(Digest realm="r", nonce="n", qop="auth-int")") == "qop");
  const std::string start = R"(Digest realm="r", nonce=")";
  CHECK(why(start + std::string(sip::kLongestChallenge - start.size() - 1, 'n') + '"') == "taken");
  CHECK(why(start + std::string(sip::kLongestChallenge - start.size(), 'n') + '"') == "too long");
}

TEST_CASE("digest: of several challenges the topmost that can be answered is taken, by the field that belongs to the status") {
  const auto c =
      sip::challenge_in(unauthorised("WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=odd\r\n"
                                     "WWW-Authenticate: Digest realm=\"b\", nonce=\"2\", algorithm=SHA-256\r\n"
                                     "WWW-Authenticate: Digest realm=\"c\", nonce=\"3\", algorithm=MD5\r\n"));
  REQUIRE(c);
  CHECK(c->realm == "b");
  const std::string proxy = "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\"\r\n";
  CHECK_FALSE(sip::challenge_in(unauthorised(proxy, 401)));
  CHECK(sip::challenge_in(unauthorised(proxy, 407))->proxy);
  CHECK_FALSE(sip::challenge_in(unauthorised(proxy, 403)));
}

TEST_CASE("digest: the count goes up with each request and begins anew with another nonce; nothing before a challenge") {
  auto s = session();
  CHECK_FALSE(s.header("OPTIONS", "sip:a"));
  CHECK(s.take({.realm = "r", .nonce = "1", .opaque = "o", .algorithm = {}, .qop = true}));
  const auto nc = [&] {
    const auto h = s.header("OPTIONS", "sip:a");
    return h ? h->second.substr(h->second.find("nc=") + 3, 8) : "none";
  };
  CHECK(nc() == "00000001");
  CHECK(nc() == "00000002");
  CHECK(s.take({.realm = "r", .nonce = "1", .opaque = {}, .algorithm = {}, .qop = true}));
  CHECK(nc() == "00000003");
  CHECK(s.take({.realm = "r", .nonce = "2", .opaque = {}, .algorithm = {}, .qop = true}));
  CHECK(nc() == "00000001");
}

TEST_CASE("digest: the header carries back what was asked for, and never the password") {
  auto s = session();
  const auto h = s.answer(unauthorised("Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", opaque=\"o\", algorithm=SHA-256, qop=\"auth\"\r\n", 407),
                          "REGISTER", "sip:north.example");
  REQUIRE(h);
  CHECK(h->first == "Proxy-Authorization");
  for (const char* piece : {R"(username="4420")", R"(realm="r")", R"(nonce="n")", R"(uri="sip:north.example")", "algorithm=SHA-256", "qop=auth",
                            R"(opaque="o")", "nc=00000001"})
    CHECK_MESSAGE(h->second.contains(piece), piece);
  CHECK_FALSE(h->second.contains("secret"));
}

TEST_CASE("digest: credentials of one realm answer no other, and a user that would break the header is not written") {
  auto s = session({.user = "a", .password = "b", .realm = "ours"});
  CHECK_FALSE(s.take({.realm = "theirs", .nonce = "n", .opaque = {}, .algorithm = {}}));
  CHECK_FALSE(s.challenged());
  CHECK(s.take({.realm = "ours", .nonce = "n", .opaque = {}, .algorithm = {}}));
  auto odd = session({.user = "a\"b", .password = "c"});
  CHECK(odd.take({.realm = "r", .nonce = "n", .opaque = {}, .algorithm = {}}));
  CHECK_FALSE(odd.header("OPTIONS", "sip:a"));
}
