#pragma once
// HEP3 packets and SIP messages as a PBX that mirrors itself sends them, for tests, fuzz seeds and benchmarks.
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/model/ip_address.hpp"

namespace linekeeper::tests {

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

inline std::string hep_chunk(std::uint16_t type, const std::string& value, std::uint16_t vendor = 0) {
  return big_endian(vendor, 2) + big_endian(type, 2) + big_endian(6 + value.size(), 2) + value;
}

inline std::string hep_frame(const std::string& chunks) { return "HEP3" + big_endian(6 + chunks.size(), 2) + chunks; }

inline std::string hep_address(const model::IpAddress& a) { return {reinterpret_cast<const char*>(a.bytes.data()), a.size()}; }

/// As Kamailio 5.6's siptrace writes it.
inline std::string hep_packet(std::string_view from, std::uint16_t from_port, std::string_view to, std::uint16_t to_port, std::string_view payload,
                              std::uint8_t kind = 1, const std::string& more = {}) {
  const auto a = *model::IpAddress::parse(from), b = *model::IpAddress::parse(to);
  const bool v6 = a.family == model::Family::V6;
  return hep_frame(hep_chunk(1, big_endian(v6 ? 10 : 2, 1)) + hep_chunk(2, big_endian(17, 1)) + hep_chunk(v6 ? 5 : 3, hep_address(a)) +
                   hep_chunk(v6 ? 6 : 4, hep_address(b)) + hep_chunk(7, big_endian(from_port, 2)) + hep_chunk(8, big_endian(to_port, 2)) +
                   hep_chunk(9, big_endian(1700000000, 4)) + hep_chunk(10, big_endian(1234, 4)) + hep_chunk(11, big_endian(kind, 1)) +
                   hep_chunk(12, big_endian(1, 4)) + more + hep_chunk(15, std::string(payload)));
}

struct SipText {
  std::string call_id = "call-1@pbx", branch = "z9hG4bK1", from_tag = "a1", to_tag{}, more{};
  int cseq = 1;

  [[nodiscard]] std::string head(std::string_view method) const {
    return "Via: SIP/2.0/UDP 10.10.0.11:5060;branch=" + branch + ";rport\r\nFrom: \"A\" <sip:100@pbx>;tag=" + from_tag + "\r\nTo: <sip:200@north>" +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " " + std::string(method) +
           "\r\n" + more + "Content-Length: 0\r\n\r\n";
  }
  [[nodiscard]] std::string request(std::string_view method) const {
    return std::string(method) + " sip:200@203.0.113.10 SIP/2.0\r\n" + head(method);
  }
  [[nodiscard]] std::string response(int status, std::string_view method = "INVITE") const {
    return "SIP/2.0 " + std::to_string(status) + " Whatever\r\n" + head(method);
  }
};

}  // namespace linekeeper::tests
