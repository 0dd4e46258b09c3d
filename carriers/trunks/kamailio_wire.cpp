// An order is written in two requests, and read by a third:
//   htable.sets  [table, key, order]     in force at once; the entry gets the table's own autoexpire (120 s in our snippet)
//   htable.setex [table, key, lease]     shortened to our lease
//   htable.get   [table, key]            read back: the very text, and with an end
// Not htable.setxs, which does the first two in one: Kamailio 5.6.3 forgets the lease when the new text is longer than the
// old one (htable.get then says "expire": "NEVER"), and an order without an end would outlive us.
#include "carriers/trunks/kamailio_wire.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <random>

#include "carriers/trunks/order_codec.hpp"
#include "carriers/trunks/rpc_client.hpp"

namespace linekeeper::trunks {
namespace {

using model::Error;
using model::Result;

std::uint64_t first_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::string own_path(const std::string& directory, std::string name) {
  std::ranges::replace(name, '/', '_');
  return directory + "/pbx-" + name + ".sock";
}

/// The set numbers of an order, or the way that is none.
std::expected<std::vector<int>, std::string> sets_of(const Order& order) {
  std::vector<int> sets;
  for (const std::string& way : order) {
    int set = 0;
    const auto [end, wrong] = std::from_chars(way.data(), way.data() + way.size(), set);
    if (way.empty() || wrong != std::errc{} || end != way.data() + way.size()) return std::unexpected(way);
    sets.push_back(set);
  }
  return sets;
}

Order ways_of(const std::vector<int>& sets) {
  Order order;
  for (const int set : sets) order.push_back(std::to_string(set));
  return order;
}

class KamailioWire final : public Wire {
 public:
  KamailioWire(const boost::asio::any_io_executor& executor, model::Pbx pbx, const std::string& directory)
      : pbx_(std::move(pbx)),
        client_(std::make_shared<RpcClient>(executor, pbx_.rpc_socket, own_path(directory, pbx_.name), pbx_.reply_timeout, first_id())) {}

  [[nodiscard]] std::optional<Error> refuses(const Order& order) const override {
    const auto sets = sets_of(order);
    if (!sets) return Error{"the trunk order is refused: '" + sets.error() + "' is no dispatcher set", "The PBX keeps what it has", EINVAL};
    if (auto text = encode_order(*sets); !text) return text.error();
    return std::nullopt;
  }

  void write(const std::string& key, const Order& order, model::Duration lease, OnWritten on_written) override {
    const auto text = encode_order(sets_of(order).value_or(std::vector<int>{}));
    if (!text) return;  // refused before
    const auto seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(lease).count());
    client_->call("htable.sets", {pbx_.htable, key, *text}, [this, key, seconds, on_written = std::move(on_written)](Result<Reply> reply) mutable {
      if (const auto no = failure(reply)) return on_written(std::unexpected(*no));
      client_->call("htable.setex", {pbx_.htable, key, seconds}, [this, on_written = std::move(on_written)](const Result<Reply>& leased) {
        if (const auto no = failure(leased)) return on_written(std::unexpected(*no));
        on_written({});
      });
    });
  }

  void read(const std::string& key, OnStanding on_standing) override {
    client_->call("htable.get", {pbx_.htable, key}, [this, key, on_standing = std::move(on_standing)](const Result<Reply>& reply) {
      if (reply && reply->error && reply->error->message.contains("doesn't exist")) return on_standing(std::optional<Standing>());
      if (const auto no = failure(reply)) return on_standing(std::unexpected(*no));
      if (!reply->item || reply->item->name != key)
        return on_standing(std::unexpected(
            Error{"Kamailio at " + pbx_.rpc_socket + " answers for another key than " + key, "See who else uses its socket", EPROTO}));
      const auto sets = parse_order(reply->item->value);
      on_standing(Standing{.order = sets ? ways_of(*sets) : Order{}, .leased = reply->item->leased(), .shown = reply->item->value});
    });
  }

  void stop() override { client_->stop(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return "$sht(" + pbx_.htable + "=>" + key + ") of PBX " + pbx_.name; }
  [[nodiscard]] std::string endless_remedy() const override {
    return "Give the htable autoexpire=120 and updateexpire=1, as the snippet linekeeper.cfg does";
  }
  [[nodiscard]] std::string rival_remedy() const override { return "look for $sht in kamailio.cfg"; }

 private:
  [[nodiscard]] std::optional<Error> failure(const Result<Reply>& reply) const {
    if (!reply) return reply.error();
    if (reply->error) return refused(*reply->error);
    return std::nullopt;
  }

  // Kamailio 5.6 answers 500 to everything: only the text tells why.
  [[nodiscard]] Error refused(const RpcError& error) const {
    std::string remedy = "See carriers/trunks/kamailio/linekeeper.cfg";
    if (error.message.contains("No such htable") || error.message.contains("Failed to set"))
      remedy = "Load the snippet linekeeper.cfg: modparam(\"htable\", \"htable\", \"" + pbx_.htable + "=>size=4;autoexpire=120;updateexpire=1;\")";
    else if (error.message.contains("Method Not Found") || error.message.contains("not found"))
      remedy = "Load the snippet linekeeper.cfg: loadmodule \"htable.so\"";
    return {"Kamailio at " + pbx_.rpc_socket + " refuses: " + error.message + " (" + std::to_string(error.code) + ")", std::move(remedy), EPROTO};
  }

  const model::Pbx pbx_;
  std::shared_ptr<RpcClient> client_;  // shared with its pending handlers
};

}  // namespace

std::unique_ptr<Wire> make_kamailio_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx, const std::string& client_directory) {
  return std::make_unique<KamailioWire>(executor, pbx, client_directory);
}

}  // namespace linekeeper::trunks
