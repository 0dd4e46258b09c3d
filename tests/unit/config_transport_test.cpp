#include <doctest/doctest.h>
#include <unistd.h>

#include "config/check_files.hpp"
#include "tests/sockets/carrier_certificate.hpp"
#include "tests/unit/config_text.hpp"

using namespace linekeeper;
using config_text::only;
using config_text::with;

namespace {

/// [[carrier]] north with its address line replaced.
std::string north(const std::string& lines) { return with("address = \"198.51.100.10\"", lines); }

model::Carrier carrier_of(const std::string& text) {
  const auto loaded = config::parse(text, "site.toml");
  INFO(config_text::told(text));
  REQUIRE(loaded.site);
  return loaded.site->carriers.at(0);
}

}  // namespace

TEST_CASE("transport: UDP when nothing is said, and each has the port it usually has") {
  CHECK(carrier_of(north("address = \"198.51.100.10\"")).transport == model::SipTransport::Udp);
  CHECK(carrier_of(north("address = \"198.51.100.10\"\ntransport = \"tcp\"")).port == 5060);
  CHECK(carrier_of(north("address = \"198.51.100.10\"\ntransport = \"tls\"")).port == 5061);
  CHECK(carrier_of(north("address = \"198.51.100.10:5070\"\ntransport = \"tls\"")).port == 5070);
  CHECK(only(north("address = \"198.51.100.10\"\ntransport = \"sctp\"")).remedy == R"("udp", "tcp" or "tls")");
}

TEST_CASE("transport: a carrier may have an IPv6 address, and its networks are of its family") {
  const auto c = carrier_of(north("address = \"[2001:db8::10]:5070\""));
  CHECK(c.address.to_string() == "2001:db8::10");
  CHECK(c.port == 5070);
  CHECK(c.domain == "[2001:db8::10]");
  CHECK(only(north("address = \"[2001:db8::10]:0\"")).what.contains("port 0"));
}

TEST_CASE("transport: tls belongs to transport tls, and a certificate to its key") {
  const auto c =
      carrier_of(north("address = \"198.51.100.10\"\ntransport = \"tls\"\ntls = { ca_file = \"/ca\", certificate = \"/c\", key = \"/k\", name = "
                       "\"n.example\", sips = true }"));
  CHECK(c.tls.ca_file == "/ca");
  CHECK(c.tls.certificate == "/c");
  CHECK(c.tls.key == "/k");
  CHECK(c.tls.name == "n.example");
  CHECK(c.tls.sips);
  CHECK(only(north("address = \"198.51.100.10\"\ntransport = \"tcp\"\ntls = { ca_file = \"/ca\" }")).what.contains("its transport is \"tcp\""));
  CHECK(
      only(north("address = \"198.51.100.10\"\ntransport = \"tls\"\ntls = { certificate = \"/c\" }")).what.contains("has a certificate and no key"));
  CHECK(only(north("address = \"198.51.100.10\"\ntransport = \"tls\"\ntls = { key = \"/k\" }")).what.contains("has a key and no certificate"));
  CHECK(only(north("address = \"198.51.100.10\"\ntransport = \"tls\"\ntls = { ca = \"/ca\" }")).what.contains("\"ca\""));
}

TEST_CASE("transport: files that are missing, hold nothing or do not fit are told with their line") {
  const std::string at = "/tmp/lkt-files-" + std::to_string(::getpid());
  const tests::Certificate mine("mine", "DNS:mine", 86400), other("other", "DNS:other", 86400), old("old", "DNS:old", -60);
  mine.write(at + ".pem", at + ".key");
  other.write(at + ".other.pem", at + ".other.key");
  old.write(at + ".old.pem", at + ".old.key");
  const auto told = [&](const std::string& ca, const std::string& certificate, const std::string& key) {
    const auto loaded = config::parse(north("address = \"198.51.100.10\"\ntransport = \"tls\"\ntls = { ca_file = \"" + ca + "\", certificate = \"" +
                                            certificate + "\", key = \"" + key + "\" }"),
                                      "site.toml");
    REQUIRE(loaded.site);
    std::string out;
    for (const auto& p : config::check_files(*loaded.site)) {
      CHECK(p.line > 1);
      CHECK_FALSE(p.remedy.empty());
      out += p.what + "\n";
    }
    return out;
  };
  CHECK(told(at + ".pem", at + ".pem", at + ".key").empty());
  CHECK(told(at + ".none", at + ".pem", at + ".key").contains("No such file"));
  CHECK(told("/tmp", at + ".pem", at + ".key").contains("not a regular file"));
  CHECK(told(at + ".key", at + ".pem", at + ".key").contains("no certificate in"));
  CHECK(told(at + ".pem", at + ".pem", at + ".pem").contains("no key in"));
  CHECK(told(at + ".pem", at + ".pem", at + ".other.key").contains("does not fit"));
  CHECK(told(at + ".pem", at + ".old.pem", at + ".old.key").contains("has expired"));
  for (const auto* end : {".pem", ".key", ".other.pem", ".other.key", ".old.pem", ".old.key"}) ::unlink((at + end).c_str());
}
