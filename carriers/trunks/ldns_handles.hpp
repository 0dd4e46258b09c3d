#pragma once
// libldns' structures, freed where they go out of sight.
#include <cstdint>
#include <memory>

// ldns/common.h makes macros of C++'s own words.
#include <ldns/ldns.h>
#undef bool
#undef true
#undef false

namespace linekeeper::trunks {

struct LdnsFree {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(char* text) const { LDNS_FREE(text); }
  void operator()(std::uint8_t* bytes) const { LDNS_FREE(bytes); }
};

using LdnsRdf = std::unique_ptr<ldns_rdf, LdnsFree>;
using LdnsRr = std::unique_ptr<ldns_rr, LdnsFree>;
using LdnsList = std::unique_ptr<ldns_rr_list, LdnsFree>;
using LdnsPacket = std::unique_ptr<ldns_pkt, LdnsFree>;
using LdnsText = std::unique_ptr<char, LdnsFree>;
using LdnsBytes = std::unique_ptr<std::uint8_t, LdnsFree>;

}  // namespace linekeeper::trunks
