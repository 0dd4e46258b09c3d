#include "carriers/sip/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "carriers/sip/tls_identity.hpp"
#include "controller/model/ip_address.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
using model::SipFault;

namespace {

/// Where SSL keeps ours: an index of its own for each kind.
struct Expected {
  std::string domain;
  TlsEvidence* evidence = nullptr;
};
void forget(void* /*parent*/, void* held, CRYPTO_EX_DATA* /*all*/, int /*index*/, long /*number*/, void* /*pointer*/) {
  delete static_cast<Expected*>(held);  // NOLINT(cppcoreguidelines-owning-memory): OpenSSL keeps it
}
int expected_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, forget);
  return kIndex;
}

std::string text_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::string address_of(const std::string& bytes) {
  model::IpAddress a;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  a.family = bytes.size() == 4 ? model::Family::V4 : model::Family::V6;
  std::ranges::transform(bytes, a.bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return a.to_string();
}

CertificateNames names_of(X509* certificate) {
  CertificateNames out;
  struct Free {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  out.alternatives = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;  // even one that cannot be read
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) out.uris.push_back(text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_DNS) out.dns.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) out.addresses.push_back(address_of(text_of(name->d.iPAddress)));
  }
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int at = -1;
  for (int next = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); next >= 0; next = X509_NAME_get_index_by_NID(subject, NID_commonName, at))
    at = next;
  if (at >= 0) out.common_name = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return out;
}

std::optional<model::WallTime> end_of(const X509* certificate) {
  std::tm parts{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return std::nullopt;
  return model::WallTime(std::chrono::seconds(::timegm(&parts)));
}

/// Asked by OpenSSL for each certificate of the chain, the carrier's own last.
int verify(int good, X509_STORE_CTX* at) {
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* expected = static_cast<const Expected*>(SSL_get_ex_data(ssl, expected_index()));
  X509* certificate = X509_STORE_CTX_get_current_cert(at);
  if (const auto end = end_of(certificate)) {
    auto& ends = expected->evidence->ends;
    ends = ends ? std::min(*ends, *end) : *end;
  }
  if (good != 1 || X509_STORE_CTX_get_error_depth(at) != 0) return good;
  if (proves(names_of(certificate), expected->domain)) return 1;
  X509_STORE_CTX_set_error(at, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

model::Error unusable(const std::string& what, const std::string& file, const boost::system::error_code& error) {
  return {.what = what + " " + file + " cannot be used: " + error.message(),
          .remedy = "A PEM file that the user of linekeeperd may read; `linekeeper config check` looks at it",
          .code = EINVAL};
}

}  // namespace

model::Result<std::unique_ptr<asio::ssl::context>> tls_context(const model::CarrierTls& tls) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code error;
  ERR_clear_error();
  if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
    return std::unexpected(model::Error{.what = "this OpenSSL has no TLS 1.2", .remedy = {}, .code = EPROTONOSUPPORT});
  if (tls.ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return std::unexpected(unusable("the trusted certificates of", "the system", error));
  } else {
    context->load_verify_file(tls.ca_file, error);
    if (error) return std::unexpected(unusable("ca_file", tls.ca_file, error));
  }
  if (!tls.certificate.empty()) {
    context->use_certificate_chain_file(tls.certificate, error);
    if (error) return std::unexpected(unusable("certificate", tls.certificate, error));
    context->use_private_key_file(tls.key, asio::ssl::context::pem, error);
    if (error) return std::unexpected(unusable("key", tls.key, error));
  }
  return context;
}

bool expect_carrier(SSL* ssl, const std::string& domain, TlsEvidence& evidence) {
  auto expected = std::make_unique<Expected>(Expected{.domain = domain, .evidence = &evidence});
  if (SSL_set_ex_data(ssl, expected_index(), expected.get()) != 1) return false;
  [[maybe_unused]] const auto* kept_by_ssl = expected.release();
  SSL_set_verify(ssl, SSL_VERIFY_PEER, verify);
  // RFC 6066 3: the name of a server is never an address.
  return model::IpAddress::parse(domain).has_value() || SSL_set_tlsext_host_name(ssl, domain.c_str()) == 1;
}

SipFault tls_fault(SSL* ssl, int reason) {
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK: break;
    case X509_V_ERR_CERT_HAS_EXPIRED: return SipFault::CertificateExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return SipFault::CertificateTooNew;
    case X509_V_ERR_HOSTNAME_MISMATCH: return SipFault::CertificateName;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return SipFault::CertificateIssuer;
    default: return SipFault::CertificateOther;
  }
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return SipFault::OurCertificate;
    default: return SipFault::TlsFailed;
  }
}

}  // namespace linekeeper::sip
