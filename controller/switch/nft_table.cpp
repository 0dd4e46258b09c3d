#include "controller/switch/nft_table.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace linekeeper::route {
namespace {

const std::string kName(kFlowTable);
constexpr std::uint8_t kCommentType = 0;  // of a table's user data, as nft(8) shows it (libnftnl's NFTNL_UDATA_TABLE_COMMENT)

constexpr std::uint16_t message(std::uint16_t type) { return NFNL_SUBSYS_NFTABLES << 8 | type; }

std::uint8_t number_of(model::Family family) { return family == model::Family::V4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

NetlinkRequest request(model::Family family, std::uint16_t type, std::uint16_t flags = 0) {
  NetlinkRequest q(message(type), flags);
  auto& fixed = q.fixed<nfgenmsg>();
  fixed.nfgen_family = number_of(family);
  fixed.version = NFNETLINK_V0;
  return q;
}

NetlinkRequest batch_edge(std::uint16_t type) {
  NetlinkRequest q(type, 0);
  auto& fixed = q.fixed<nfgenmsg>();
  fixed.nfgen_family = AF_UNSPEC;
  fixed.version = NFNETLINK_V0;
  fixed.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return q;
}

/// Expressions of one rule, being written. Numbers are big-endian in attributes; what is compared with a register is as the
/// register has it (marks in host order, addresses as in the packet).
class Expressions {
 public:
  explicit Expressions(NetlinkRequest& q) : q_(q) {}

  void operator()(const MatchMark& m) {
    load_mark(m.of);
    bitwise(m.mask, 0);
    compare(m.inverted ? NFT_CMP_NEQ : NFT_CMP_EQ, bytes_of(m.value));
  }
  void operator()(const SetMark& m) {
    load_mark(m.of);
    bitwise(~m.mask, m.value);
    const bool packet = m.of == MarkOf::Packet;
    expression(packet ? "meta" : "ct", [&] {
      number(packet ? std::uint16_t{NFTA_META_KEY} : std::uint16_t{NFTA_CT_KEY}, packet ? std::uint32_t{NFT_META_MARK} : std::uint32_t{NFT_CT_MARK});
      number(packet ? std::uint16_t{NFTA_META_SREG} : std::uint16_t{NFTA_CT_SREG}, NFT_REG_1);
    });
  }
  void operator()(const MatchInterface& m) {
    expression("meta", [&] {
      number(NFTA_META_KEY, m.incoming ? NFT_META_IIFNAME : NFT_META_OIFNAME);
      number(NFTA_META_DREG, NFT_REG_1);
    });
    std::array<char, IFNAMSIZ> name{};  // with its zeros: the whole name, no prefix of one
    m.name.copy(name.data(), name.size() - 1);
    compare(NFT_CMP_EQ, std::as_bytes(std::span(name)));
  }
  void operator()(const MatchSource& m) {
    const bool v4 = m.source.address.family == model::Family::V4;
    address(v4 ? 12 : 8, m.source, m.inverted);  // RFC 791 3.1, RFC 8200 3
  }
  void operator()(const MatchDestination& m) {
    const bool v4 = m.destination.address.family == model::Family::V4;
    address(v4 ? 16 : 24, m.destination, false);
  }
  void operator()(const MatchNew&) {
    constexpr std::uint32_t kNew = 1U << (IP_CT_NEW + 1);  // NF_CT_STATE_BIT
    expression("ct", [&] {
      number(NFTA_CT_KEY, NFT_CT_STATE);
      number(NFTA_CT_DREG, NFT_REG_1);
    });
    bitwise(kNew, 0);
    compare(NFT_CMP_NEQ, bytes_of(kZero));
  }
  void operator()(const Return&) { verdict(NFT_RETURN, {}); }
  void operator()(const Goto& g) { verdict(NFT_GOTO, g.chain); }
  void operator()(const Masquerade&) {
    expression("masq", [] {});
  }
  void operator()(const TranslateTo& t) {
    expression("immediate", [&] {
      number(NFTA_IMMEDIATE_DREG, NFT_REG_1);
      value(NFTA_IMMEDIATE_DATA, std::as_bytes(std::span(t.address.bytes).first(t.address.size())));
    });
    expression("nat", [&] {
      number(NFTA_NAT_TYPE, NFT_NAT_SNAT);
      number(NFTA_NAT_FAMILY, number_of(t.address.family));
      number(NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
    });
  }

 private:
  static std::span<const std::byte> bytes_of(const std::uint32_t& n) { return std::as_bytes(std::span(&n, 1)); }
  void number(std::uint16_t attribute, std::uint32_t n) { q_.u32(attribute, htonl(n)); }
  void value(std::uint16_t attribute, std::span<const std::byte> bytes) {
    q_.nested(attribute, [&] { q_.raw(NFTA_DATA_VALUE, bytes); });
  }
  /// An address of the IPv4 header is, or is not, in `prefix`.
  void address(std::uint32_t offset, const model::Prefix& prefix, bool inverted) {
    const std::size_t size = prefix.address.size();
    expression("payload", [&] {
      number(NFTA_PAYLOAD_DREG, NFT_REG_1);
      number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
      number(NFTA_PAYLOAD_OFFSET, offset);
      number(NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(size));
    });
    if (prefix.length < size * 8) keep_bits(prefix.length, size);
    compare(inverted ? NFT_CMP_NEQ : NFT_CMP_EQ, std::as_bytes(std::span(prefix.address.bytes).first(size)));
  }
  template <class Body>
  void expression(const char* name, Body body) {
    q_.nested(NFTA_LIST_ELEM, [&] {
      q_.text(NFTA_EXPR_NAME, name);
      q_.nested(NFTA_EXPR_DATA, body);
    });
  }
  void load_mark(MarkOf of) {
    if (of == MarkOf::Packet)
      expression("meta", [&] {
        number(NFTA_META_KEY, NFT_META_MARK);
        number(NFTA_META_DREG, NFT_REG_1);
      });
    else
      expression("ct", [&] {
        number(NFTA_CT_KEY, NFT_CT_MARK);
        number(NFTA_CT_DREG, NFT_REG_1);
      });
  }
  /// register = register & mask ^ flip
  void bitwise(std::span<const std::byte> mask, std::span<const std::byte> flip) {
    expression("bitwise", [&] {
      number(NFTA_BITWISE_SREG, NFT_REG_1);
      number(NFTA_BITWISE_DREG, NFT_REG_1);
      number(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.size()));
      value(NFTA_BITWISE_MASK, mask);
      value(NFTA_BITWISE_XOR, flip);
    });
  }
  void bitwise(std::uint32_t mask, std::uint32_t flip) { bitwise(bytes_of(mask), bytes_of(flip)); }
  /// The first bits of an address of `size` bytes.
  void keep_bits(std::uint8_t length, std::size_t size) {
    std::array<std::byte, 16> mask{}, flip{};
    for (std::size_t bit = 0; bit < length; ++bit) mask.at(bit / 8) |= std::byte{0x80} >> (bit % 8);
    bitwise(std::span(mask).first(size), std::span(flip).first(size));
  }
  void compare(std::uint32_t how, std::span<const std::byte> with) {
    expression("cmp", [&] {
      number(NFTA_CMP_SREG, NFT_REG_1);
      number(NFTA_CMP_OP, how);
      value(NFTA_CMP_DATA, with);
    });
  }
  void verdict(std::int32_t code, const std::string& chain) {
    expression("immediate", [&] {
      number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      q_.nested(NFTA_IMMEDIATE_DATA, [&] {
        q_.nested(NFTA_DATA_VERDICT, [&] {
          number(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
          if (!chain.empty()) q_.text(NFTA_VERDICT_CHAIN, chain);
        });
      });
    });
  }

  static constexpr std::uint32_t kZero = 0;
  NetlinkRequest& q_;
};

NetlinkRequest table_message(model::Family family, std::uint16_t type) {
  auto q = request(family, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
  q.text(NFTA_TABLE_NAME, kName);
  if (type != NFT_MSG_NEWTABLE) return q;
  std::vector<std::byte> comment{std::byte{kCommentType}, std::byte{static_cast<std::uint8_t>(kFlowTableComment.size() + 1)}};
  for (const char c : kFlowTableComment) comment.push_back(static_cast<std::byte>(c));
  comment.push_back(std::byte{0});
  q.raw(NFTA_TABLE_USERDATA, comment);
  return q;
}

NetlinkRequest chain_message(model::Family family, const FlowChain& chain) {
  auto q = request(family, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  q.text(NFTA_CHAIN_TABLE, kName);
  q.text(NFTA_CHAIN_NAME, chain.name);
  if (chain.type.empty()) return q;
  q.text(NFTA_CHAIN_TYPE, chain.type);
  q.u32(NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
  q.nested(NFTA_CHAIN_HOOK, [&] {
    q.u32(NFTA_HOOK_HOOKNUM, htonl(chain.hook));
    q.u32(NFTA_HOOK_PRIORITY, htonl(static_cast<std::uint32_t>(chain.priority)));
  });
  return q;
}

NetlinkRequest rule_message(model::Family family, const FlowChain& chain, const std::vector<FlowStep>& steps) {
  auto q = request(family, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  q.text(NFTA_RULE_TABLE, kName);
  q.text(NFTA_RULE_CHAIN, chain.name);
  q.nested(NFTA_RULE_EXPRESSIONS, [&] {
    for (const FlowStep& step : steps) std::visit(Expressions(q), step);
  });
  return q;
}

/// FNV-1a over an attribute's content: what tells one rule from another; nobody is being kept from forging it.
std::uint64_t digest(const nlattr* a) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  if (a == nullptr) return hash;
  const auto* byte = static_cast<const std::uint8_t*>(mnl_attr_get_payload(a));
  for (std::size_t i = 0; i < mnl_attr_get_payload_len(a); ++i) hash = (hash ^ byte[i]) * 0x100000001b3U;
  return hash;
}

std::string comment_in(const nlattr* userdata) {
  if (userdata == nullptr) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(userdata));
  const std::size_t size = mnl_attr_get_payload_len(userdata);
  if (size < 3 || bytes[0] != kCommentType || bytes[1] > size - 2) return {};
  return {reinterpret_cast<const char*>(bytes + 2), ::strnlen(reinterpret_cast<const char*>(bytes + 2), bytes[1])};
}

model::Error explained(const model::Error& e) {
  return {
      .what = "nftables: " + e.what,
      .remedy = "the kernel needs nf_tables, nf_conntrack, nft_ct and, to translate addresses, nft_chain_nat, nft_masq and nft_nat: modprobe them",
      .code = e.code};
}

}  // namespace

model::Result<NftTable> NftTable::open() {
  auto netlink = Netlink::open({}, NETLINK_NETFILTER);
  if (!netlink) return std::unexpected(explained(netlink.error()));
  return NftTable(std::move(*netlink));
}

model::Result<void> NftTable::put(const FlowTable& table) {
  std::vector<NetlinkRequest> batch;
  batch.push_back(batch_edge(NFNL_MSG_BATCH_BEGIN));
  // Made first, because removing one that is not there would fail the whole.
  batch.push_back(table_message(table.family, NFT_MSG_NEWTABLE));
  batch.push_back(table_message(table.family, NFT_MSG_DELTABLE));
  if (!table.chains.empty()) batch.push_back(table_message(table.family, NFT_MSG_NEWTABLE));
  for (const FlowChain& chain : table.chains) batch.push_back(chain_message(table.family, chain));
  for (const FlowChain& chain : table.chains)
    for (const auto& rule : chain.rules) batch.push_back(rule_message(table.family, chain, rule));
  batch.push_back(batch_edge(NFNL_MSG_BATCH_END));
  auto done = netlink_.transact(batch);
  if (!done) return std::unexpected(explained(done.error()));
  return {};
}

model::Result<std::string> NftTable::show(model::Family family) {
  auto q = request(family, NFT_MSG_GETTABLE);
  q.text(NFTA_TABLE_NAME, kName);
  const auto table = netlink_.ask(q);
  if (!table && table.error().code == ENOENT) return std::string();
  if (!table) return std::unexpected(explained(table.error()));
  std::string text = fmt::format("table {}\n", comment_in(table->attributes(sizeof(nfgenmsg))[NFTA_TABLE_USERDATA]));
  auto chains = request(family, NFT_MSG_GETCHAIN);
  auto answer = netlink_.dump(chains);
  if (!answer) return std::unexpected(explained(answer.error()));
  for (const NetlinkMessage& m : *answer) {
    const auto a = m.attributes(sizeof(nfgenmsg));
    if (attribute_text(a[NFTA_CHAIN_TABLE]) == kName)
      text += fmt::format("chain {} {} {:x} {}\n", attribute_text(a[NFTA_CHAIN_NAME]), attribute_text(a[NFTA_CHAIN_TYPE]), digest(a[NFTA_CHAIN_HOOK]),
                          ntohl(attribute_u32(a[NFTA_CHAIN_POLICY]).value_or(0)));
  }
  auto rules = request(family, NFT_MSG_GETRULE);
  rules.text(NFTA_RULE_TABLE, kName);
  answer = netlink_.dump(rules);
  if (!answer) return std::unexpected(explained(answer.error()));
  for (const NetlinkMessage& m : *answer) {
    const auto a = m.attributes(sizeof(nfgenmsg));
    if (attribute_text(a[NFTA_RULE_TABLE]) == kName)
      text += fmt::format("rule {} {:x}\n", attribute_text(a[NFTA_RULE_CHAIN]), digest(a[NFTA_RULE_EXPRESSIONS]));
  }
  return text;
}

}  // namespace linekeeper::route
