#pragma once
// Certificates for a carrier of the tests, made in memory by OpenSSL and written to files.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace linekeeper::tests {

struct FreeOpenssl {
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(X509* x) const { X509_free(x); }
};

/// A key and a certificate signed by `issuer`, or by itself.
struct Certificate {
  std::unique_ptr<EVP_PKEY, FreeOpenssl> key{EVP_EC_gen("P-256")};
  std::unique_ptr<X509, FreeOpenssl> x509{X509_new()};

  /// @param alternatives  "DNS:a,URI:sip:b"; empty: none, and it is an authority
  Certificate(const std::string& name, const std::string& alternatives, long valid_seconds, const Certificate* issuer = nullptr) {
    X509_set_version(x509.get(), 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), valid_seconds);
    X509_set_pubkey(x509.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer != nullptr ? issuer->x509.get() : x509.get()));
    extend(issuer, alternatives.empty() ? NID_basic_constraints : NID_subject_alt_name, alternatives.empty() ? "critical,CA:TRUE" : alternatives);
    X509_sign(x509.get(), (issuer != nullptr ? issuer : this)->key.get(), EVP_sha256());
  }
  void write(const std::string& certificate, const std::string& secret = {}) const {
    FILE* file = std::fopen(certificate.c_str(), "w");
    PEM_write_X509(file, x509.get());
    std::fclose(file);
    if (secret.empty()) return;
    file = std::fopen(secret.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

 private:
  void extend(const Certificate* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, (issuer != nullptr ? issuer : this)->x509.get(), x509.get(), nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
};

}  // namespace linekeeper::tests
