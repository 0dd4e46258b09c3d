#include "config/check_files.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "config/values.hpp"

namespace linekeeper::config {
namespace {

struct Free {
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A pass phrase is never asked for: nobody is there who could type it.
int no_pass_phrase(char* /*to*/, int /*size*/, int /*writing*/, void* /*held*/) { return -1; }

class Files {
 public:
  Files(const model::Carrier& carrier, std::vector<Problem>& out) : carrier_(carrier), out_(out) {}

  void check() {
    if (!carrier_.tls.ca_file.empty()) (void)certificate("ca_file", carrier_.tls.ca_file);
    if (carrier_.tls.certificate.empty()) return;
    const auto ours = certificate("certificate", carrier_.tls.certificate);
    const auto key = private_key();
    if (!ours || !key) return;
    if (X509_check_private_key(ours.get(), key.get()) != 1)
      complain("key", fmt::format("{} does not fit the certificate {}", quoted(carrier_.tls.key), quoted(carrier_.tls.certificate)),
               "the key that the certificate was made for");
    if (X509_cmp_current_time(X509_get0_notAfter(ours.get())) < 0)
      complain("certificate", fmt::format("{} has expired", quoted(carrier_.tls.certificate)), "a new certificate");
  }

 private:
  void complain(const std::string& key, const std::string& what, std::string remedy) {
    out_.push_back({.line = carrier_.tls.line,
                    .column = 1,
                    .key = fmt::format("carrier[{}].tls.{}", carrier_.name, key),
                    .found = {},
                    .what = fmt::format("carrier {} tls {}: {}", quoted(carrier_.name), key, what),
                    .remedy = std::move(remedy)});
  }

  /// @return nothing when it cannot be opened, and that is told
  Owned<BIO> opened(const std::string& key, const std::string& file) {
    struct stat about{};
    Owned<BIO> bio;
    errno = 0;
    if (::stat(file.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
      complain(key, fmt::format("{} is not a regular file", quoted(file)), "a PEM file");
      return bio;
    }
    bio.reset(BIO_new_file(file.c_str(), "r"));
    if (!bio)
      complain(key, fmt::format("cannot open {}: {}", quoted(file), std::strerror(errno)),
               "check the path and its permissions; the user of linekeeperd must be able to read it");
    return bio;
  }

  Owned<X509> certificate(const std::string& key, const std::string& file) {
    const auto bio = opened(key, file);
    Owned<X509> found;
    if (!bio) return found;
    found.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (!found) complain(key, fmt::format("there is no certificate in {}", quoted(file)), "a PEM file that begins with -----BEGIN CERTIFICATE-----");
    ERR_clear_error();
    return found;
  }

  Owned<EVP_PKEY> private_key() {
    const auto bio = opened("key", carrier_.tls.key);
    Owned<EVP_PKEY> found;
    if (!bio) return found;
    found.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (!found)
      complain("key", fmt::format("there is no key in {}, or it wants a pass phrase", quoted(carrier_.tls.key)),
               "a PEM file with a key without a pass phrase");
    ERR_clear_error();
    return found;
  }

  const model::Carrier& carrier_;
  std::vector<Problem>& out_;
};

}  // namespace

std::vector<Problem> check_files(const model::Site& site) {
  std::vector<Problem> out;
  for (const model::Carrier& carrier : site.carriers)
    if (carrier.transport == model::SipTransport::Tls) Files(carrier, out).check();
  return out;
}

}  // namespace linekeeper::config
