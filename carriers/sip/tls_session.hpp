#pragma once
// What TLS with a carrier rests on: whom we trust, who we are, what its certificate must prove (OpenSSL by Boost.Asio).
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <memory>
#include <optional>

#include "controller/model/error.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::sip {

/// TLS 1.2 at least, with the files of the configuration as they are now. @return an error that names the file
[[nodiscard]] model::Result<std::unique_ptr<boost::asio::ssl::context>> tls_context(const model::CarrierTls& tls);

/// What was seen of the carrier's certificates; written while the handshake goes on.
struct TlsEvidence {
  std::optional<model::WallTime> ends;  ///< the soonest of the chain
};

/// Sets what this connection verifies. @param ssl of it @param evidence outlives the connection @return whether OpenSSL took it
[[nodiscard]] bool expect_carrier(SSL* ssl, const std::string& domain, TlsEvidence& evidence);

/// Why a handshake failed, or a connection right after it. @param reason of the error (ERR_GET_REASON), 0 when it is none of OpenSSL's
[[nodiscard]] model::SipFault tls_fault(SSL* ssl, int reason);

}  // namespace linekeeper::sip
