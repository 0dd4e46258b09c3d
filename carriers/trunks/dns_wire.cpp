// An order is one RRset under the name that is its key: SRV records whose priorities rise, or, where the ways are addresses, the best of them alone:
// addresses of one name have no order, and who asks would take any. So the site's own name is led to the circuit that lives. It is replaced in one
// signed message (RFC 2136) and read back by a signed question to the same server.
//
// There is no lease: nobody takes the records back when we die. What stands is then what was best last, as with routes.
#include <algorithm>
#include <cerrno>
#include <map>

#include "carriers/trunks/dns_conversation.hpp"
#include "carriers/trunks/dns_update.hpp"
#include "carriers/trunks/secret_file.hpp"
#include "carriers/trunks/stores.hpp"
#include "carriers/trunks/stream_client.hpp"
#include "carriers/trunks/unguessable.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::trunks {
namespace {

using model::Error;
using model::Result;

std::int64_t now_s() { return std::chrono::duration_cast<std::chrono::seconds>(runtime::wall_now().time_since_epoch()).count(); }

/// The type that addresses are of; nothing where they are not all of one family.
std::optional<RecordType> type_of(const Order& addresses) {
  std::optional<model::Family> family;
  for (const auto& text : addresses) {
    const auto address = model::IpAddress::parse(text);
    if (!address || (family && *family != address->family)) return std::nullopt;
    family = address->family;
  }
  if (!family) return std::nullopt;
  return *family == model::Family::V4 ? RecordType::A : RecordType::AAAA;
}

/// "10 0 5060 sbc.example." of the lowest priority first: "sbc.example:5060", ...
Order order_of(const RecordSet& set) {
  if (set.type != RecordType::SRV) return set.values;
  std::vector<std::pair<int, std::string>> ranked;
  for (const auto& value : set.values) {
    const auto port = value.find(' ', value.find(' ') + 1) + 1;
    const auto host = value.find(' ', port) + 1;
    const auto end = value.size() - (value.ends_with('.') ? 1 : 0);
    ranked.emplace_back(std::stoi(value), value.substr(host, end - host) + ":" + value.substr(port, host - 1 - port));
  }
  std::ranges::sort(ranked);
  Order order;
  for (auto& [priority, target] : ranked) order.push_back(std::move(target));
  return order;
}

std::string shown(const RecordSet& set) {
  std::string text;
  for (const auto& value : set.values) text += (text.empty() ? "" : ", ") + value;
  return text + " (TTL " + std::to_string(set.ttl) + ")";
}

class DnsWire final : public Wire {
 public:
  DnsWire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) : pbx_(pbx), zone_(pbx.zone + (pbx.zone.ends_with('.') ? "" : ".")) {
    auto dns = std::make_unique<DnsConversation>();
    dns_ = dns.get();
    client_ = std::make_shared<StreamClient>(executor, pbx.address, pbx.port, pbx.reply_timeout, std::move(dns), "the DNS server",
                                             "Is it running, and does it listen on TCP there? named.conf: listen-on");
  }

  [[nodiscard]] std::optional<Error> refuses(const Order& order) const override {
    if (type_of(order)) return std::nullopt;
    const auto values = srv_values(order);
    return values ? std::nullopt : std::optional(values.error());
  }

  void write(const std::string& key, const Order& order, model::Duration, OnWritten on_written) override {
    auto set = records(key, order);
    if (set) written_[key] = {order, *set};
    call(
        [this, set = std::move(set)](const TsigKey& secret) -> Result<Signed> {
          if (!set) return std::unexpected(set.error());
          return dns_update(zone_, *set, id(), secret, now_s());
        },
        [on_written = std::move(on_written)](const Result<DnsReply>& reply) {
          if (!reply) return on_written(std::unexpected(reply.error()));
          on_written({});
        });
  }

  void read(const std::string& key, OnStanding on_standing) override {
    const auto known = written_.find(key);
    const auto type = known != written_.end() ? known->second.records.type : RecordType::SRV;
    call([this, key, type](const TsigKey& secret) { return dns_question(owner(key), type, id(), secret, now_s()); },
         [this, key, type, on_standing = std::move(on_standing)](const Result<DnsReply>& reply) {
           if (!reply) return on_standing(std::unexpected(reply.error()));
           if (!reply->authoritative)
             return on_standing(std::unexpected(
                 Error{"the DNS server does not answer for zone " + zone_ + " by itself", "Name the zone's primary server, not a resolver", EPROTO}));
           const auto set = std::ranges::find(reply->sets, type, &RecordSet::type);
           on_standing(set == reply->sets.end() ? std::nullopt : std::optional(standing(key, *set)));
         });
  }

  void stop() override { client_->stop(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return owner(key) + " of PBX " + pbx_.name; }
  [[nodiscard]] std::string endless_remedy() const override { return "Its TTL is longer than ours: who else writes it?"; }
  [[nodiscard]] std::string rival_remedy() const override { return "look for other keys in the zone's update-policy, and for nsupdate in scripts"; }

 private:
  struct Written {
    Order order;
    RecordSet records;
  };

  static std::uint16_t id() { return static_cast<std::uint16_t>(unguessable_id()); }
  [[nodiscard]] std::string owner(const std::string& key) const { return key + "." + zone_; }
  [[nodiscard]] std::uint32_t ttl() const { return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(pbx_.ttl).count()); }

  [[nodiscard]] Result<RecordSet> records(const std::string& key, const Order& order) const {
    RecordSet set{.owner = owner(key), .type = type_of(order).value_or(RecordType::SRV), .ttl = ttl(), .values = order};
    if (set.type != RecordType::SRV) {
      set.values.resize(1);
      return set;
    }
    auto values = srv_values(order);
    if (!values) return std::unexpected(values.error());
    set.values = std::move(*values);
    return set;
  }

  // What we wrote ourselves is known again however it was spelled.
  [[nodiscard]] Standing standing(const std::string& key, const RecordSet& set) const {
    const auto known = written_.find(key);
    const bool ours = known != written_.end() && same_records({owner(key), set.type, set.ttl, set.values}, known->second.records);
    return {.order = ours ? known->second.order : order_of(set), .leased = set.ttl <= ttl(), .shown = shown(set)};
  }

  /// Reads the key, makes the message, sends it and reads the answer.
  void call(const std::function<Result<Signed>(const TsigKey&)>& make, std::function<void(Result<DnsReply>)> done) {
    const auto secret = read_secret(pbx_.secret_file);
    auto key = secret ? make_tsig_key(pbx_.user, *secret) : std::unexpected(secret.error());
    auto asked = key ? make(*key) : std::unexpected(key.error());
    auto request = asked ? Result<std::string>(DnsConversation::ask(asked->message)) : std::unexpected(asked.error());
    client_->call(std::move(request), [this, key = std::move(key), asked = std::move(asked), done = std::move(done)](const Result<void>& answered) {
      if (!answered) return done(std::unexpected(answered.error()));
      auto reply = dns_reply(dns_->answer(), *asked, *key, now_s());
      if (!reply)
        return done(std::unexpected(Error{reply.error().what + " (" + pbx_.address.to_string() + ")", reply.error().remedy, reply.error().code}));
      done(std::move(reply));
    });
  }

  const model::Pbx pbx_;
  const std::string zone_;
  DnsConversation* dns_;                  // the client's
  std::shared_ptr<StreamClient> client_;  // shared with its pending handlers
  std::map<std::string, Written> written_;
};

}  // namespace

std::unique_ptr<Wire> make_dns_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) {
  return std::make_unique<DnsWire>(executor, pbx);
}

}  // namespace linekeeper::trunks
